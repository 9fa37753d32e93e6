package interceptor

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxChildPaths is how many paths to components are kept of an app, and maxChildPath how many bytes one may have.
const (
	maxChildPaths = 1 << 13
	maxChildPath  = 1 << 8
)

// childrenProps says in which props, besides children, components stand: by type of component, as the app's page tells its
// renderer in children_props (dash/development/base_component.py, since Dash 2.5). Anything elsewhere is data, whatever it looks
// like: the renderer looks for components nowhere else (crawlLayout in dash-renderer/src/actions/utils.js). It is not changed
// once it is made; nil is none.
type childrenProps struct {
	byType map[string][]childPath
	byProp map[string][]childPath // those of all types, by the prop in which they begin
}

// A childPath leads from a component's props to a component, or to a tree of them.
type childPath struct {
	text  string   // as Dash writes it: "label", "options[].label", "slots{}"
	steps []string // names of keys; "[]" for each element, "{}" for each value
	waits bool     // it is one of some type, and the component's type is not known yet
}

// parseChildPath parses a path. Some that can be written lead nowhere in the renderer, which takes no two lists or two objects on
// the way: of these, ok is false.
func parseChildPath(text string) (path childPath, ok bool) {
	path.text = text
	for part := range strings.SplitSeq(text, ".") {
		name := strings.TrimRight(part, "[]{}")
		if name == "" {
			return path, false
		}
		path.steps = append(path.steps, name)
		switch suffix := part[len(name):]; suffix {
		case "":
		case "[]", "{}":
			path.steps = append(path.steps, suffix)
		case "[]{}":
			path.steps = append(path.steps, "[]", "{}")
		default:
			return path, false
		}
	}
	return path, len(text) <= maxChildPath && strings.Count(text, "[]") <= 1 && strings.Count(text, "{}") <= 1
}

// parseChildren parses the paths of types, "namespace.Type". Those that lead nowhere are left out.
func parseChildren(texts map[string][]string) *childrenProps {
	c := &childrenProps{byType: make(map[string][]childPath)}
	paths := 0
	for _, componentType := range slices.Sorted(maps.Keys(texts)) {
		for _, text := range texts[componentType] {
			path, ok := parseChildPath(text)
			if ok && path.steps[0] != "children" && paths < maxChildPaths && len(componentType) <= maxChildPath {
				c.byType[componentType] = append(c.byType[componentType], path)
				paths++
			}
		}
	}
	c.byProp = make(map[string][]childPath)
	for _, paths := range c.byType {
		for _, path := range paths {
			path.waits = true
			if !slices.ContainsFunc(c.byProp[path.steps[0]], func(p childPath) bool { return p.text == path.text }) {
				c.byProp[path.steps[0]] = append(c.byProp[path.steps[0]], path)
			}
		}
	}
	return c
}

// texts returns the paths as parseChildren takes them, in one order.
func (c *childrenProps) texts() map[string][]string {
	if c == nil || len(c.byType) == 0 {
		return nil
	}
	texts := make(map[string][]string)
	for componentType, paths := range c.byType {
		for _, path := range paths {
			texts[componentType] = append(texts[componentType], path.text)
		}
		slices.Sort(texts[componentType])
	}
	return texts
}

// plus returns the paths of both, and whether other had any that c has not.
func (c *childrenProps) plus(other *childrenProps) (sum *childrenProps, news bool) {
	texts := c.texts()
	if texts == nil {
		texts = make(map[string][]string)
	}
	for componentType, paths := range other.texts() {
		texts[componentType] = slices.Compact(slices.Sorted(slices.Values(slices.Concat(texts[componentType], paths))))
	}
	paths := 0
	for _, of := range texts {
		paths += len(of)
	}
	if paths > maxChildPaths { // nothing that is known makes room
		return c, false
	}
	sum = parseChildren(texts)
	return sum, !maps.EqualFunc(sum.texts(), c.texts(), slices.Equal)
}

// of returns the paths of a type.
func (c *childrenProps) of(componentType string) []childPath {
	if c == nil {
		return nil
	}
	return c.byType[componentType]
}

// from returns the paths of all types that begin in a prop.
func (c *childrenProps) from(prop []byte) []childPath {
	if c == nil {
		return nil
	}
	return c.byProp[string(prop)]
}

// ownChildren are the components of Dash 4 that mount components in a prop by themselves, which children_props do not name any more
// (ExternalWrapper in components/dash-core-components/src).
var ownChildren = map[string][]string{
	"dash_core_components.Checklist":  {"options[].label"},
	"dash_core_components.Dropdown":   {"options[].label"},
	"dash_core_components.RadioItems": {"options[].label"},
}

// childrenProps returns the paths that a page tells of.
func (p *pageConfig) childrenProps() *childrenProps {
	texts := make(map[string][]string)
	major, _, _ := strings.Cut(p.Version, ".")
	if version, err := strconv.Atoi(major); err == nil && version >= 4 {
		maps.Copy(texts, ownChildren)
	}
	for namespace, types := range p.Children {
		for name, paths := range types {
			texts[namespace+"."+name] = append(texts[namespace+"."+name], paths...)
		}
	}
	return parseChildren(texts)
}
