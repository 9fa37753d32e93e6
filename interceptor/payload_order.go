package interceptor

import "log/slog"

// maxOrdered is how large a payload may be, in bytes, for its keys to be put in order, since all of it is held in memory then.
const maxOrdered = 64 << 20

// writeInOrder writes what is left of the payload that has ended, its keys in the order that a browser would have given them:
// see keyRank. If that fails, the payload passes on.
func (o *Offload) writeInOrder() error {
	pl := o.payload
	if o.scan.disordered && !o.dry {
		if err := o.orderPayload(); err != nil || o.payload == nil {
			return err
		}
	}
	if err := o.writePayload(); err != nil || o.payload == nil {
		return err
	}
	pl.bytes = nil // it may be large
	return nil
}

// orderPayload puts the keys of the payload in order. What of it is written already is read back, to be written anew.
func (o *Offload) orderPayload() error {
	pl := o.payload
	switch {
	case pl.size+int64(len(pl.bytes)) > maxOrdered:
		o.keepOrder()
		return nil
	case pl.size == 0:
		if !orderKeys(pl.bytes) {
			o.keepOrder()
		}
		return nil
	}
	text := make([]byte, pl.size, pl.size+int64(len(pl.bytes)))
	if n, err := pl.writer.ReadAt(text, 0); n < len(text) {
		o.warnStorage(err)
		return o.passPayload(StorageFailed)
	}
	text = append(text, pl.bytes...)
	if !orderKeys(text) {
		o.keepOrder()
		return nil
	}
	writer, err := o.session.Store.Create(o.ctx)
	if err != nil {
		o.warnStorage(err)
		return o.passPayload(StorageFailed)
	}
	pl.writer.Abort()
	pl.writer, pl.hash, pl.size, pl.bytes = writer, o.ic.keys.digest(o.session.audience())(), 0, text
	return nil
}

// keepOrder logs that the payload's keys stay in the app's order.
func (o *Offload) keepOrder() {
	o.ic.once(o.session.App, o.payload.id, slog.LevelWarn,
		"data of a Store comes back with its keys in the order in which the app sent them, because it is too large or too deep to "+
			"be put into a browser's order, in which whole numbers come first", "most", maxOrdered)
}
