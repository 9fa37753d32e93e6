package interceptor

import "errors"

// Bounds of what making a value may cost, whatever Patches do.
const (
	// maxNodes is how many bytes of memory a document may take, besides the texts that it was made from.
	maxNodes = 24 << 20
	// maxPassed is how many bytes, or things of about a byte's cost, may be gone through.
	maxPassed = 4 * maxPatchWork

	memberCost = 160 // bytes: of a property, its place in memberSet.places, and its copy in the next epoch
	valueCost  = 64  // of an element that is a value
	runCost    = 96  // of a run of elements
)

// errCostly says that Patches take more memory or work than a value may.
var errCostly = errors.New("patches that take too much memory or time")

// A cost is what a document has cost.
type cost struct {
	used    int   // bytes of memory, at most: what is forgotten is counted until settle
	settled int   // how many of them settle has last found in use
	passed  int   // see maxPassed
	err     error // errCostly: what comes out of the document is of no use
}

// spend counts bytes of memory that are about to be taken. It reports whether they may be.
func (c *cost) spend(bytes int) bool {
	if c.used += bytes; c.used > maxNodes {
		c.err = errCostly
	}
	return c.err == nil
}

// pass counts work.
func (c *cost) pass(bytes int) {
	if c.passed += bytes; c.passed > maxPassed {
		c.err = errCostly
	}
}

// settle counts the memory in use anew, where much may have been forgotten since it was last counted. No operation is on.
func (c *cost) settle(d *jsDocument) {
	if c.used-c.settled > (maxNodes-c.settled)/2 {
		c.settled = d.weigh(&d.root)
		c.used = c.settled
	}
}

// weigh returns the bytes of memory that a value takes.
func (d *jsDocument) weigh(v *jsValue) (bytes int) {
	if v.node == nil {
		return 0
	}
	d.pass(len(v.node.members) + len(v.node.elems.runs))
	if v.node.kind == jsText {
		return len(v.raw)
	}
	for i := range v.node.members {
		m := &v.node.members[i]
		bytes += memberCost + len(m.key) + d.weigh(&m.value)
	}
	for i := range v.node.elems.runs {
		bytes += runCost
		elems := v.node.elems.runs[i].elems
		d.pass(len(elems))
		for j := range elems {
			bytes += valueCost + d.weigh(&elems[j])
		}
	}
	return bytes
}
