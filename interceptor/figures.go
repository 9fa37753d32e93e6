package interceptor

// A Reason says why a Store's data stays in the browser, or that it does not.
type Reason string

// Reasons. Those up to [Unknown] are about a Store, the others about one value of it.
const (
	Offloaded       Reason = "offloaded"
	Clientside      Reason = "clientside"   // a clientside callback uses it in the browser
	StorageType     Reason = "storage_type" // its storage type was not asked for
	Excluded        Reason = "excluded"     // an id in exclude means it
	NotSelected     Reason = "not_selected" // no id in stores means it
	Ambiguous       Reason = "ambiguous"    // another component of the app has its id, too
	NoScope         Reason = "no_scope"     // the option scope says nothing for who asks
	Unknown         Reason = "unknown"      // it is not known to be a Store of this app
	BelowMinSize    Reason = "below_min_size"
	AboveMaxPayload Reason = "above_max_payload"
	NoContainer     Reason = "no_container" // a number, true, false, null or ""
	StorageFailed   Reason = "storage"      // the storage refuses it, or cannot be reached
	Late            Reason = "late"         // its component told too late what it is
)

// A Cause says why data is missing.
type Cause string

// Causes.
const (
	Gone       Cause = "gone"       // it was evicted, purged or wiped, or has expired
	Unreadable Cause = "unreadable" // its token does not open: it was made with another secret, or for another app or scope
	Damaged    Cause = "damaged"    // it is not what was stored
	Doubt      Cause = "doubt"      // see [Offload.Doubtful]
)

// An Event is what became of one value of a Store. Exactly one of Inline, Missed, Stored and Restored says what.
type Event struct {
	Store    string // its canonical id; "" where it cannot be told
	Stored   bool   // the value went to the storage, or of a Watcher would have gone
	Restored bool   // it was put back into a request
	Inline   Reason // it stayed in the answer
	Missed   Cause  // it was to be put back, and is missing
	Bytes    int64  // the value's size; of one that is missing 0
	Saved    int64  // how many bytes fewer there are between browser and server than without
}

// Figures count what was done to a callback. The sums are over Events.
type Figures struct {
	Callbacks  int   // that were answered in a frame of a WebSocket
	Stores     int   // payloads that went to the storage, or of a Watcher would have gone
	StoreBytes int64 // their size
	Tokens     int   // payloads that came back from it
	TokenBytes int64 // their size
	Missed     int   // tokens whose payload was gone
	Events     []Event
}

// Any reports whether anything was done.
func (f Figures) Any() bool { return f.Stores+f.Tokens+f.Missed > 0 }

// Plus returns the sum.
func (f Figures) Plus(g Figures) Figures {
	sum := Figures{Callbacks: f.Callbacks + g.Callbacks}
	for _, events := range [][]Event{f.Events, g.Events} {
		for _, e := range events {
			sum.Note(e)
		}
	}
	return sum
}

// Note counts an event.
func (f *Figures) Note(e Event) {
	switch {
	case e.Stored:
		f.Stores++
		f.StoreBytes += e.Bytes
	case e.Restored:
		f.Tokens++
		f.TokenBytes += e.Bytes
	case e.Missed != "":
		f.Missed++
	}
	f.Events = append(f.Events, e)
}

// Saved is how many bytes fewer there are between browser and server than without.
func (f Figures) Saved() (saved int64) {
	for _, e := range f.Events {
		saved += e.Saved
	}
	return saved
}
