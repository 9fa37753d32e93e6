package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
)

// The trailer ends a payload's file: magic, whose last byte is the version of the format, then the CRC-32C of the payload,
// big endian. It finds what a disk or a power failure did to a file. It is no protection against anyone who can write
// there: callers check the digest.
const trailerSize = 8

var (
	magic      = [4]byte{'d', 's', 'p', 1}
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// errDamaged is for a file that is not, or no longer, a whole payload.
var errDamaged = errors.New("damaged")

func trailer(crc uint32) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(magic[:]), crc)
}

// payloadSize is the size of the payload in a file. For a file shorter than a trailer, which is damaged, it is 0.
func payloadSize(info fs.FileInfo) int64 { return max(0, info.Size()-trailerSize) }

// verify reads a file of size bytes through. The error is errDamaged, that of the context, or that of the file system.
func verify(ctx context.Context, f io.ReaderAt, size int64) error {
	if size < trailerSize {
		return fmt.Errorf("%w: only %d bytes long", errDamaged, size)
	}
	var (
		payload = io.NewSectionReader(f, 0, size-trailerSize)
		buffer  = make([]byte, min(256<<10, size))
		crc     uint32
	)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := payload.Read(buffer)
		crc = crc32.Update(crc, castagnoli, buffer[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	var end [trailerSize]byte
	if _, err := f.ReadAt(end[:], size-trailerSize); err != nil && err != io.EOF {
		return err
	}
	switch {
	case !bytes.Equal(end[:len(magic)], magic[:]):
		return fmt.Errorf("%w: no trailer of this version", errDamaged)
	case binary.BigEndian.Uint32(end[len(magic):]) != crc:
		return fmt.Errorf("%w: wrong checksum", errDamaged)
	}
	return nil
}
