package sealed

import "github.com/dashstash/dashstash/storage"

// Place is under which key of the store below a payload is that the first secret has sealed.
func (k *Keys) Place(key storage.Key) storage.Key { return k.list[0].placeOf(key) }

// Stride is how many bytes a full chunk takes.
const Stride = stride
