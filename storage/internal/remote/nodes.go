package remote

import "context"

// call calls the node where a key is, if its circuit is closed.
func (s *Store) call(ctx context.Context, key string, call func() error) error {
	return s.callNode(ctx, s.server.Node(ctx, key), call)
}

// callNode calls a node, if its circuit is closed.
func (s *Store) callNode(ctx context.Context, node string, call func() error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	return s.circuit(node).call(ctx, call)
}

func (s *Store) circuit(node string) *circuit {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.circuits[node]
	if !ok {
		c = &circuit{logger: s.Logger.With("server", node)}
		s.circuits[node] = c
	}
	return c
}

// away tells whether no node that was ever called can be called now.
func (s *Store) away() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.circuits {
		if c.usable() {
			return false
		}
	}
	return len(s.circuits) > 0
}

// Available is false while no node that was ever called can be called.
func (s *Store) Available() bool { return !s.away() }

// each calls each node where keys are.
func (s *Store) each(ctx context.Context, keys []string, call func(keys []string) error) error {
	nodes := make(map[string][]string)
	for _, key := range keys {
		node := s.server.Node(ctx, key)
		nodes[node] = append(nodes[node], key)
	}
	for _, keys := range nodes {
		if err := s.call(ctx, keys[0], func() error { return call(keys) }); err != nil {
			return err
		}
	}
	return nil
}

// keep keeps keys for the time to live from now, and reports whether all of them are there.
func (s *Store) keep(ctx context.Context, keys []string) (bool, error) {
	all, ttl := true, s.TTL()
	err := s.each(ctx, keys, func(keys []string) error {
		there, err := s.server.Keep(ctx, keys, ttl)
		all = all && there
		return err
	})
	return all && err == nil, err
}

func (s *Store) delete(ctx context.Context, keys []string) error {
	return s.each(ctx, keys, func(keys []string) error { return s.server.Delete(ctx, keys) })
}
