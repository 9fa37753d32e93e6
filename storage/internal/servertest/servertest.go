// Package servertest starts real servers for tests, on free loopback ports, and ends them with the test.
package servertest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long a server may take to be there, or to do what it is told.
const patience = 30 * time.Second

// Server is a process that listens on a port of this machine.
type Server struct {
	Addr string // host:port

	command []string
	process *exec.Cmd
	output  bytes.Buffer
}

// given are the ports that freePort has returned.
var given sync.Map

// freePort is a port that was free a moment ago, and that nobody in this process was given before. It is below those that the
// system gives to whoever connects (32768 and up on Linux), which may take one at any moment.
func freePort(tb testing.TB) string {
	tb.Helper()
	for {
		port := strconv.Itoa(10_000 + rand.IntN(22_000)) //nolint:gosec // no secret
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		require.NoError(tb, listener.Close())
		if _, known := given.LoadOrStore(port, true); !known {
			return port
		}
	}
}

// start starts a command that will listen on the port.
func start(tb testing.TB, port string, command ...string) *Server {
	tb.Helper()
	s := &Server{Addr: "127.0.0.1:" + port, command: command}
	s.Start(tb)
	tb.Cleanup(s.Kill)
	return s
}

// Start starts the server, again after Kill, and waits until it listens.
func (s *Server) Start(tb testing.TB) {
	tb.Helper()
	s.process = exec.Command(s.command[0], s.command[1:]...) //nolint:gosec // what the tests name
	s.process.Stdout, s.process.Stderr = &s.output, &s.output
	require.NoError(tb, s.process.Start(), "tests/setup.sh servers installs what is missing")
	require.Eventually(tb, func() bool {
		conn, err := net.Dial("tcp", s.Addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, patience, 10*time.Millisecond, "%s does not listen", s.command[0])
}

// Kill ends the server at once, as a crash would. It may be called twice.
func (s *Server) Kill() {
	if s.process != nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
		s.process = nil
	}
}

// Memcached starts a memcached with further options.
func Memcached(tb testing.TB, options ...string) *Server {
	tb.Helper()
	port := freePort(tb)
	return start(tb, port, append([]string{"memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", port}, options...)...)
}

// Redis starts a Redis with further options. It keeps nothing on the disk.
func Redis(tb testing.TB, options ...string) *Server {
	tb.Helper()
	port := freePort(tb)
	return start(tb, port, append([]string{"redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
		"--dir", tb.TempDir()}, options...)...)
}

// RedisCluster starts a cluster of three nodes, and returns their addresses.
func RedisCluster(tb testing.TB) []string {
	tb.Helper()
	addresses := make([]string, 0, 3)
	for range 3 {
		node := Redis(tb, "--cluster-enabled", "yes", "--cluster-port", freePort(tb), "--cluster-node-timeout", "2000")
		addresses = append(addresses, node.Addr)
	}
	cli(tb, append(append([]string{"--cluster", "create"}, addresses...), "--cluster-yes")...)
	for _, address := range addresses {
		require.Eventually(tb, func() bool {
			return strings.Contains(cliAt(tb, address, "cluster", "info"), "cluster_state:ok")
		}, patience, 50*time.Millisecond, "the cluster is not ready")
	}
	return addresses
}

// Sentinel starts a master, a replica and a Sentinel that watches them.
func Sentinel(tb testing.TB) (name string, sentinel, master *Server) {
	tb.Helper()
	master = Redis(tb)
	host, port, _ := net.SplitHostPort(master.Addr)
	replica := Redis(tb, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	require.Eventually(tb, func() bool {
		return strings.Contains(cliAt(tb, replica.Addr, "info", "replication"), "master_link_status:up")
	}, patience, 50*time.Millisecond, "the replica has no link to its master")

	name = "watched"
	own := freePort(tb)
	file := filepath.Join(tb.TempDir(), "sentinel.conf")
	config := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor %[2]s %[3]s %[4]s 1\nsentinel down-after-milliseconds %[2]s 500\n"+
		"sentinel failover-timeout %[2]s 3000\n", own, name, host, port)
	require.NoError(tb, os.WriteFile(file, []byte(config), 0o600))
	sentinel = start(tb, own, "redis-sentinel", file)
	require.Eventually(tb, func() bool {
		return strings.Contains(cliAt(tb, sentinel.Addr, "sentinel", "master", name), "num-slaves\n1\n")
	}, patience, 50*time.Millisecond, "the Sentinel does not know the replica")
	return name, sentinel, master
}

// cliAt runs redis-cli on a server, and returns what that says.
func cliAt(tb testing.TB, address string, args ...string) string {
	tb.Helper()
	_, port, _ := net.SplitHostPort(address)
	return cli(tb, append([]string{"-p", port}, args...)...)
}

func cli(tb testing.TB, args ...string) string {
	tb.Helper()
	output, err := exec.Command("redis-cli", args...).CombinedOutput()
	require.NoError(tb, err, "redis-cli %q: %s", args, output)
	return string(output)
}
