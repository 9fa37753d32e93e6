package interceptor

import "slices"

const (
	// runText is the size in bytes from which a run of elements is not made longer.
	runText = 8 << 10
	// maxRun is how many elements a run may have that are values.
	maxRun = runText / len("1,")
)

// jsElems are the elements of a list. They are in runs, since a Store's data may be a list of very many elements, of which a Patch
// touches few: what nobody has touched costs no memory.
type jsElems struct {
	runs   []jsRun
	length int
}

// A jsRun is some elements of a list in a row: as JSON text, as values, or all of them holes or undefined.
type jsRun struct {
	count    int
	raw      []byte    // text, with commas between the elements; shared, never written to
	reversed bool      // of the elements in raw, the last comes first
	elems    []jsValue // values, once somebody has looked
	epoch    int       // of the jsDocument, when elems were made; 0: they are shared
	filler   jsKind    // what all elements are, where there is neither
}

// isFiller reports whether all elements of the run are the same hole or undefined.
func (r *jsRun) isFiller() bool { return r.raw == nil && r.elems == nil }

func fillerValue(kind jsKind) jsValue {
	if kind == jsHole {
		return hole
	}
	return jsValue{}
}

// elemsIn returns the elements of a list that is JSON text.
func (d *jsDocument) elemsIn(list []byte) (e jsElems) {
	run := jsRun{}
	first := 0
	for i := skipSpace(list, 0) + 1; i > 0; {
		var start, end int
		if start, end, i = nextElement(list, i); start == end {
			break
		}
		if run.count == 0 {
			first = start
		}
		run.count++
		run.raw = list[first:end]
		if end-first >= runText {
			e.add(d, run)
			run = jsRun{}
		}
	}
	if run.count > 0 {
		e.add(d, run)
	}
	return e
}

// add adds a run at the end.
func (e *jsElems) add(d *jsDocument, run jsRun) {
	d.spend(runCost)
	e.runs = append(e.runs, run)
	e.length += run.count
}

// fill adds n elements at the end that are holes or undefined.
func (e *jsElems) fill(d *jsDocument, kind jsKind, n int) {
	if last := len(e.runs) - 1; last >= 0 && e.runs[last].isFiller() && e.runs[last].filler == kind {
		e.runs[last].count += n
		e.length += n
	} else if n > 0 {
		e.add(d, jsRun{count: n, filler: kind})
	}
}

// values returns the elements of a run that is text.
func (d *jsDocument) values(r *jsRun) []jsValue {
	d.pass(len(r.raw))
	d.spend(r.count * valueCost)
	values := make([]jsValue, 0, r.count)
	for i := 0; len(values) < r.count; {
		var start, end int
		start, end, i = nextElement(r.raw, i)
		values = append(values, jsonValue(r.raw[start:end]))
	}
	if r.reversed {
		slices.Reverse(values)
	}
	return values
}

// find returns the run with an element, and which one of its elements that is. Behind the last element, it is the run that does not
// exist yet.
func (e *jsElems) find(d *jsDocument, i int) (run, at int) {
	for run = range e.runs {
		if i < e.runs[run].count {
			d.pass(run)
			return run, i
		}
		i -= e.runs[run].count
	}
	return len(e.runs), 0
}

// at returns an element, which is there, to be looked at.
func (e *jsElems) at(d *jsDocument, i int) *jsValue {
	j, at := e.find(d, i)
	r := &e.runs[j]
	if r.isFiller() {
		value := fillerValue(r.filler)
		return &value
	}
	if r.elems == nil {
		*r = jsRun{count: r.count, elems: d.values(r)}
	}
	return &r.elems[at]
}

// own makes the elements of a run values that may be changed.
func (e *jsElems) own(d *jsDocument, run int) *jsRun {
	r := &e.runs[run]
	switch {
	case r.elems == nil:
		*r = jsRun{count: r.count, elems: d.values(r), epoch: d.epoch}
	case r.epoch != d.epoch:
		r.elems, r.epoch = slices.Clone(r.elems), d.epoch
	}
	return r
}

// set replaces an element, which is there.
func (e *jsElems) set(d *jsDocument, i int, value jsValue) {
	j, at := e.find(d, i)
	if e.runs[j].isFiller() {
		e.remove(d, i)
		e.insert(d, i, value)
		return
	}
	e.own(d, j).elems[at] = value
}

// remove takes out an element, which is there.
func (e *jsElems) remove(d *jsDocument, i int) {
	j, at := e.find(d, i)
	e.length--
	switch r := &e.runs[j]; {
	case r.count == 1:
		e.runs = slices.Delete(e.runs, j, j+1)
		return
	case !r.isFiller():
		r = e.own(d, j)
		r.elems = slices.Delete(r.elems, at, at+1)
	}
	e.runs[j].count--
}

// insert puts an element before the one at i, or at the end.
func (e *jsElems) insert(d *jsDocument, i int, value jsValue) {
	j, at := e.find(d, i)
	if at == 0 && j > 0 && e.runs[j-1].takes(d) { // at the end of the run before
		j, at = j-1, e.runs[j-1].count
	}
	d.spend(valueCost)
	e.length++
	switch {
	case at == 0 && (j == len(e.runs) || !e.runs[j].takes(d)):
		d.spend(runCost)
		e.runs = slices.Insert(e.runs, j, jsRun{count: 1, elems: []jsValue{value}, epoch: d.epoch})
		return
	case e.runs[j].isFiller():
		filler := e.runs[j].filler
		d.spend(2 * runCost)
		e.runs = slices.Replace(e.runs, j, j+1, jsRun{count: at, filler: filler},
			jsRun{count: 1, elems: []jsValue{value}, epoch: d.epoch}, jsRun{count: e.runs[j].count - at, filler: filler})
		return
	}
	r := e.own(d, j)
	r.elems = slices.Insert(r.elems, at, value)
	if r.count++; r.count > maxRun {
		half := r.count / 2
		rest := jsRun{count: r.count - half, elems: slices.Clone(r.elems[half:]), epoch: d.epoch}
		r.count, r.elems = half, slices.Clone(r.elems[:half])
		d.spend(runCost)
		e.runs = slices.Insert(e.runs, j+1, rest)
	}
}

// takes reports whether another value can be put into the run without making much of it anew.
func (r *jsRun) takes(d *jsDocument) bool {
	return r.elems != nil && r.epoch == d.epoch && r.count < maxRun
}

// concat adds the elements of another list at the end.
func (e *jsElems) concat(d *jsDocument, other jsElems) {
	for _, run := range other.runs {
		e.add(d, run)
	}
}

func (e *jsElems) reverse(d *jsDocument) {
	slices.Reverse(e.runs)
	for j := range e.runs {
		if r := &e.runs[j]; r.elems != nil {
			slices.Reverse(e.own(d, j).elems)
		} else {
			r.reversed = !r.reversed
		}
	}
}

// without returns the elements that drop is false for. Holes are not among them.
func (e *jsElems) without(d *jsDocument, drop func(elem *jsValue) bool) (left jsElems) {
	for j := range e.runs {
		r := &e.runs[j]
		if r.isFiller() {
			if value := fillerValue(r.filler); r.filler != jsHole && !drop(&value) {
				left.add(d, *r)
			}
			continue
		}
		var kept []jsValue
		dropped, n := false, 0
		walk := jsWalk{d: d, runs: e.runs[j : j+1]}
		for elem := walk.next(); elem != nil && d.err == nil; elem = walk.next() {
			switch is := elem.kind() == jsHole || drop(elem); {
			case is && !dropped:
				dropped = true
				if r.elems != nil {
					kept = slices.Clone(r.elems[:n])
				} else {
					kept = d.values(r)[:n]
				}
			case !is && dropped:
				kept = append(kept, *elem)
			}
			n++
		}
		switch {
		case !dropped:
			left.add(d, *r)
		case len(kept) > 0:
			left.add(d, jsRun{count: len(kept), elems: kept, epoch: d.epoch})
		}
	}
	return left
}

// defined makes undefined of the holes.
func (e *jsElems) defined(d *jsDocument) {
	for j := range e.runs {
		r := &e.runs[j]
		if r.isFiller() {
			r.filler = jsUndefined
		} else if slices.ContainsFunc(r.elems, isHole) {
			elems := e.own(d, j).elems
			for i := range elems {
				if isHole(elems[i]) {
					elems[i] = jsValue{}
				}
			}
		}
	}
}

func isHole(v jsValue) bool { return v.kind() == jsHole }

// holes is how many of the elements are none.
func (e *jsElems) holes() (n int) {
	for j := range e.runs {
		if r := &e.runs[j]; r.isFiller() && r.filler == jsHole {
			n += r.count
		}
		for _, elem := range e.runs[j].elems {
			if isHole(elem) {
				n++
			}
		}
	}
	return n
}

// A jsWalk goes through the elements of a list.
type jsWalk struct {
	d    *jsDocument
	runs []jsRun // still to come

	left   int // of the run that it is in
	raw    []byte
	elems  []jsValue
	filler jsKind
	elem   jsValue
}

func (d *jsDocument) walk(n *jsNode) jsWalk { return jsWalk{d: d, runs: n.elems.runs} }

// next returns the next element, or nil. What it has returned before may be another one then.
func (w *jsWalk) next() *jsValue {
	for w.left == 0 {
		if len(w.runs) == 0 {
			return nil
		}
		r := &w.runs[0]
		w.runs = w.runs[1:]
		w.left, w.raw, w.elems, w.filler = r.count, r.raw, r.elems, r.filler
		w.d.pass(len(r.raw) + r.count)
		if r.raw != nil && r.reversed {
			before := w.d.used
			w.raw, w.elems = nil, w.d.values(r)
			w.d.used = before // they are forgotten
		}
	}
	w.left--
	switch {
	case w.elems != nil:
		elem := &w.elems[0]
		w.elems = w.elems[1:]
		return elem
	case w.raw != nil:
		start, end, next := nextElement(w.raw, 0)
		w.elem = jsonValue(w.raw[start:end])
		w.raw = w.raw[next:]
	default:
		w.elem = fillerValue(w.filler)
	}
	return &w.elem
}
