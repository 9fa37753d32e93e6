package interceptor

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
)

// A record is
//
//	nonce  32 bytes, random, so that each record is another: a list of records says all of how the data came to be what it is,
//	       but for its base
//	size    8 bytes, that of the id in hexadecimal
//	id      the canonical one of the Store: a record is of no use on the data of another
//	patch   JSON, its keys in the browser's order
//
// all of it text, since the browser may have to carry it.
const (
	nonceSize  = 32
	recordHead = nonceSize + 8
)

func joinRecord(id string, raw []byte) []byte {
	var nonce [nonceSize / 2]byte
	_, _ = rand.Read(nonce[:]) // never fails
	record := hex.AppendEncode(make([]byte, 0, recordHead+len(id)+len(raw)), nonce[:])
	record = append(fmt.Appendf(record, "%08x%s", len(id), id), raw...)
	orderKeys(record[recordHead+len(id):])
	return record
}

func splitRecord(record []byte) (id string, raw []byte, ok bool) {
	if len(record) < recordHead {
		return "", nil, false
	}
	size, err := strconv.ParseUint(string(record[nonceSize:recordHead]), 16, 32)
	if err != nil || size > uint64(len(record)-recordHead) {
		return "", nil, false
	}
	return string(record[recordHead:][:size]), record[recordHead+int(size):], true
}

// patchReply records a Patch, as JSON, of the Store with a canonical id, and returns the Patch that the browser is to get
// instead: it adds the record to the data, which in the browser is a token. The event says what became of the record.
//
// ok is false if the browser is to get the Patch as it is: it does nothing, or the browser would refuse it, or it can only be
// meant for a number, and numbers must not be offloaded. What the storage refuses goes into the reply.
func (o *Offload) patchReply(id string, raw []byte) (reply []byte, e Event, ok bool) {
	if p, err := parsePatch(raw); err != nil || p.isEmpty() {
		return nil, e, false
	}
	payload := joinRecord(id, raw)
	of := o.ic.keys.ownerOf(o.session.App, id)
	ref := o.ic.keys.refOf(payload, of, o.session.audience())
	element := o.ic.keys.quotedText(recordToken, ref, o.session.audience())
	e = Event{Store: id, Bytes: ref.length}
	if e.Inline = o.storeRecord(ref, payload); e.Inline != "" {
		return patchOf(addElement(fmt.Appendf(nil, "{%s:%s}", element, appendQuotedJS(nil, string(payload))))), e, true
	}
	e.Stored = true
	known, long := o.session.Shown.take(id)
	if !long {
		return patchOf(addElement(element)), e, true
	}
	fold, err := o.storeFold(known, element, of)
	if err != nil {
		o.warnStorage(err)
		return patchOf(addElement(element)), e, true
	}
	return patchOf(foldElements(known.elements, element, fold)), e, true
}

// storeRecord stores a record, or says why not. A dry run stores nothing.
func (o *Offload) storeRecord(ref payloadRef, payload []byte) Reason {
	switch {
	case ref.length > o.ic.MaxPayload:
		return AboveMaxPayload
	case o.dry:
		return ""
	}
	if err := storePayload(o.ctx, o.session.Store, ref, payload); err != nil {
		o.warnStorage(err)
		return StorageFailed
	}
	return ""
}

// storeFold stores a fold, which stands for a value and the record behind it, and returns its element.
func (o *Offload) storeFold(known longChain, element []byte, of owner) ([]byte, error) {
	fold := fmt.Appendf(nil, `{%s:%s,%s:[[%s]]}`, tokenKey,
		o.ic.keys.quotedText(payloadToken, known.value, o.session.audience()), patchedKey, element)
	ref := o.ic.keys.refOf(fold, of, o.session.audience())
	return o.ic.keys.quotedText(foldToken, ref, o.session.audience()), storePayload(o.ctx, o.session.Store, ref, fold)
}

// patchOf is a Patch with operations.
func patchOf(operations []byte) []byte {
	return fmt.Appendf(nil, `{"__dash_patch_update":"__dash_patch_update","operations":[%s]}`, operations)
}

// addElement is the operation that adds an element to the first list of records. Ramda makes that list, and the object around
// it, where they are not.
func addElement(element []byte) []byte {
	return fmt.Appendf(nil, `{"operation":"Append","location":[%s,0],"params":{"value":%s}}`, patchedKey, element)
}

// foldElements are the operations that add an element to the first list of records, and put a list with a fold in its place:
// but only if the list had exactly the elements that are known, so that nothing is lost if the browser's data is not what a
// request has shown. Then, the list with the fold stays behind the first, where it means nothing, and the next fold drops it.
func foldElements(known, element, fold []byte) []byte {
	return fmt.Appendf(nil, `{"operation":"Delete","location":[%[1]s,1],"params":{}},%[2]s,`+
		`{"operation":"Remove","location":[%[1]s],"params":{"value":[%[3]s,%[4]s]}},`+
		`{"operation":"Append","location":[%[1]s],"params":{"value":[%[5]s]}}`,
		patchedKey, addElement(element), known, element, fold)
}
