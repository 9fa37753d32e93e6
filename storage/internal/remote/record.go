package remote

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A record says how a payload is kept. Its value on the server is
//
//	magic      4 bytes, whose last one is the version
//	part size  4 bytes, big endian
//	size       8 bytes, big endian
//	payload    all of it, if it is no longer than a part
//	checksum   4 bytes: CRC-32C of all before, big endian
//
// and that of a part is the part and its checksum. They find what a server or a network did to the bytes. They are no protection
// against anyone who can write there: callers check the digest.
type record struct {
	partSize int
	size     int64  // of the payload
	payload  []byte // the payload, unless it is in parts
}

const (
	headerSize   = 16
	checksumSize = 4
	maxParts     = 1 << 20 // 4 GB in the smallest parts
)

var (
	magic      = [4]byte{'d', 's', 'r', 1}
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errDamaged = errors.New("damaged")
	errSize    = fmt.Errorf("%w: a record of another size", errDamaged)
)

// parts is how many parts the payload is in beside the record.
func (r record) parts() int {
	if r.size <= int64(r.partSize) {
		return 0
	}
	return int((r.size-1)/int64(r.partSize)) + 1
}

// span is where a part begins in the payload, and its size.
func (r record) span(part int) (begin, size int64) {
	begin = int64(part) * int64(r.partSize)
	return begin, min(int64(r.partSize), r.size-begin)
}

// value is what is kept of the record on the server.
func (r record) value() []byte {
	value := make([]byte, 0, headerSize+len(r.payload)+checksumSize)
	value = append(value, magic[:]...)
	value = binary.BigEndian.AppendUint32(value, uint32(r.partSize))
	value = binary.BigEndian.AppendUint64(value, uint64(r.size))
	return seal(append(value, r.payload...))
}

// parseRecord is the reverse of value. Its payload is part of value.
func parseRecord(value []byte) (record, error) {
	content, err := unseal(value)
	if err != nil {
		return record{}, err
	}
	r, err := parseHeader(content)
	if err != nil {
		return record{}, err
	}
	r.payload = content[headerSize:]
	inline := int64(0)
	if r.size <= int64(r.partSize) {
		inline = r.size
	}
	if int64(len(r.payload)) != inline {
		return record{}, errSize
	}
	return r, nil
}

// parseHeader returns what the first headerSize bytes of a value say: all but the payload. They have no checksum of their own.
func parseHeader(content []byte) (record, error) {
	if len(content) < headerSize || !bytes.HasPrefix(content, magic[:]) {
		return record{}, fmt.Errorf("%w: no record of this version", errDamaged)
	}
	r := record{
		partSize: int(binary.BigEndian.Uint32(content[4:])),
		size:     int64(binary.BigEndian.Uint64(content[8:])),
	}
	if r.partSize == 0 || r.size < 0 || r.size/int64(r.partSize) >= maxParts {
		return record{}, errSize
	}
	return r, nil
}

// seal appends the checksum.
func seal(content []byte) []byte {
	return binary.BigEndian.AppendUint32(content, crc32.Checksum(content, castagnoli))
}

// unseal checks the checksum, and takes it away.
func unseal(value []byte) ([]byte, error) {
	end := len(value) - checksumSize
	if end < 0 {
		return nil, fmt.Errorf("%w: only %d bytes long", errDamaged, len(value))
	}
	if binary.BigEndian.Uint32(value[end:]) != crc32.Checksum(value[:end], castagnoli) {
		return nil, fmt.Errorf("%w: wrong checksum", errDamaged)
	}
	return value[:end], nil
}
