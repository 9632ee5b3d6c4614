"""kill -9 at every system call that matters to accepting, delivering, deferring and bouncing.

Each walk is over one system call of one thread: the first run is killed at its first such call, the next
at its second, until a run ends without reaching another. After each kill the gateway starts again, and
every message that had got its 250 comes out, unchanged; twice is allowed to what was on its way.

Walks beside each other have a gateway and a next hop each. The short form looks at the first calls of
the committer only."""
import collections
import concurrent.futures
import shutil

import pytest

from harness import IS_LONG, SANITIZER, wait_until
from harness.client import Client, Closed
from harness.gateway import Config
from harness.strace import Tracer, kill, prefix, why_not

RUNS_MAX = 400  # of one walk: one that does not end is a fault of the test
WALKS_AT_ONCE = 5

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(SANITIZER in ("asan", "tsan"), reason="what is killed tells a sanitizer nothing"),
]

# Those of a thread that change what is on disk or what a peer has been told.
CALLS = {
    "committer": ("pwritev", "pwrite64", "fdatasync", "fsync", "openat", "?unlink", "close", "write"),
    "worker": ("openat", "pwrite64", "fdatasync", "linkat", "fsync", "pread64", "close"),
    "loop-1": ("?accept4", "connect", "write", "close"),
}
STARTING = ("?mkdir", "pwrite64", "fdatasync", "fsync", "?rename", "?unlink", "ftruncate", "fallocate")
# Walks that are long are shared: the first takes every SHARES-th call, and so on.
SHARES = {("loop-1", "write"): 4, ("main", "pwrite64"): 4, ("committer", "pwritev"): 2,
          ("committer", "fdatasync"): 2}

FILLER = b"\r\n".join([b"f" * 900] * 40)
LARGE = b"\r\n".join([b"l" * 900] * 200)  # over LIMIT_BODY_IN_MEMORY: a file of its own


class Post:
    """One message of a run: what the sender knows, and what the next hop must have seen."""

    def __init__(self, name, body=b"x", kinds=("good",)):
        self.name, self.is_acknowledged = name, False
        self.sender = "from-%s@back.example" % name
        self.recipients = ["%s-%s@example.test" % (kind, name) for kind in kinds]
        self.content = b"Subject: %s\r\n\r\n%s" % (name.encode(), body)

    def wanted(self):
        """Recipients that a copy comes to: the sender, for a bounce."""
        return [each for each in self.recipients if not each.startswith("never")] + \
            [self.sender for each in self.recipients if each.startswith("never")]


def delivered(name):
    """Accepted, delivered, bounced; 65,536 bytes a segment make it roll over and remove some."""
    return [Post(name + "a"), Post(name + "b", FILLER), Post(name + "c", LARGE),
            Post(name + "d", b"x", ("good", "never")), Post(name + "e", FILLER), Post(name + "f", FILLER),
            Post(name + "g", LARGE, ("good", "never"))]


def deferred(name):
    return [Post(name + "a", b"x", ("late",)), Post(name + "b", FILLER, ("late", "good", "never")),
            Post(name + "c", LARGE, ("late",)), Post(name + "d", FILLER)]


def reclaimed(name):
    """The first message keeps the first segment. The DONE of one beside it stands in the second, which is
    removed when it holds nothing else: without being written again it would come to life after a kill."""
    return [Post(name + "a", b"x", ("late",))] + [Post(name + letter, FILLER) for letter in "bcdef"]


def large(name):
    """Four workers share these, and their calls are counted for each: so there are some."""
    return [Post("%s%s" % (name, letter), LARGE) for letter in "abcdefgh"]


def next_hop(make_sink):
    """Refuses never-...@ for good, late-...@ the first time."""
    seen = set()

    def answer(argument, _):
        if b"<never-" in argument:
            return b"550 5.1.1 no such user"
        if b"<late-" in argument and argument not in seen:
            seen.add(argument)
            return b"451 4.2.1 later"
        return b"250 2.1.5 ok"
    return make_sink(starttls=False, replies={"RCPT": answer})


class Walk:
    def __init__(self, gateway, sink, make_posts, thread, call):
        self.gateway, self.sink, self.make_posts = gateway, sink, make_posts
        self.thread, self.call = thread, call
        self.posts = {}

    def thread_ids(self):
        """The loop's name is also that of threads which it began."""
        found = sorted(number for number, (name, _) in self.gateway.threads().items()
                       if name == self.thread)
        return found if self.thread == "worker" else found[:1]

    def copies(self):
        """{(name of the post, recipient): how often it came}; each with the post's very content."""
        found = collections.Counter()
        for message in list(self.sink.messages):
            for recipient in message.recipients:
                post = self.posts[recipient.split("@")[0].split("-")[1]]
                if recipient == post.sender:
                    assert message.mail.startswith(b"FROM:<>"), message.mail
                    assert post.recipients[-1].encode() in message.content, message.content
                else:
                    assert message.content.endswith(b"\r\n" + post.content + b"\r\n"), \
                        "%s came changed" % post.name
                found[post.name, recipient] += 1
        return found

    def missing(self, has_late=True):
        copies = self.copies()
        return [(post.name, each) for post in self.posts.values() if post.is_acknowledged
                for each in post.wanted() if (post.name, each) not in copies and
                (has_late or not each.startswith("late-"))]

    def wait_delivered(self, what, has_late=True):
        """Or dead."""
        try:
            wait_until(lambda: not self.gateway.is_alive() or not self.missing(has_late), 30)
        except AssertionError:
            raise AssertionError("%s: %r never came" % (what, self.missing(has_late))) from None

    def send(self, posts):
        """Those that were begun. One after another: the next when the last is through, or deferred."""
        begun = []
        try:
            with Client(self.gateway.public, helo="client.example") as client:
                for post in posts:
                    begun.append(post)
                    self.posts[post.name] = post
                    reply = client.message(post.sender, post.recipients, post.content)
                    assert reply.code == 250, reply
                    post.is_acknowledged = True
                    self.wait_delivered("one message", has_late=False)
        except (OSError, Closed):
            assert self.gateway.wait_exit() == -9
        self.wait_delivered("all")
        return begun

    def empty(self):
        """Starts and stops until nothing is left: also what was on disk without its 250."""
        for _ in range(RUNS_MAX):
            self.gateway.start()
            is_empty = b", 0 messages in the queue" in self.gateway.is_ready().group()
            assert self.gateway.stop() == 0
            if is_empty:
                return
        raise AssertionError("the queue does not get empty")

    def copies_max(self, key, begun, before):
        """Twice comes what was delivered and killed before the record of it was on disk. That is not so
        for a message after which another went all its way, nor for what came a retry before. A bounce
        may come a third time: again by itself, and once more by the message that is tried again."""
        name, recipient = key
        if recipient.startswith("late-"):
            return 2
        has_retried = any(each.startswith("late-") for _, each in before)
        if has_retried or name not in [post.name for post in begun[-2:]]:
            return 1
        return 3 if recipient == self.posts[name].sender else 2

    def run(self, number):
        """False when there was no NUMBER-th call any more."""
        what = "number %d of %s's calls of %s" % (number, self.thread, self.call)
        self.gateway.start()
        posts = self.make_posts("%d" % number)
        with Tracer(self.thread_ids(), kill(self.call, number)):
            begun = self.send(posts)
            before = {key: count for key, count in self.copies().items()
                      if self.posts[key[0]] in posts}
            code = self.gateway.stop()
        if code == 0:
            assert all(post.is_acknowledged for post in posts)
            assert all(self.copies()[post.name, each] == 1 for post in posts for each in post.wanted())
            self.empty()
            return False
        assert code == -9, "the gateway ended with %s" % code
        self.gateway.start()
        self.wait_delivered("killed at " + what)
        assert self.gateway.stop() == 0
        self.empty()
        often = ["%r came %d times, killed at %s" % (key, count, what)
                 for key, count in self.copies().items() if self.posts[key[0]] in posts and
                 count > self.copies_max(key, begun, before)]
        assert not often, often
        return True

    def all(self, first, step, most):
        """How many kills it took."""
        number = first
        while number <= most and self.run(number):
            number += step
        assert number <= RUNS_MAX
        return (number - first) // step


class FirstStartWalk(Walk):
    """Killed while it starts on a new state directory; the next start makes up for what is missing."""

    def start_traced(self, number):
        self.gateway.prefix = prefix(kill(self.call, number))
        self.gateway.start(is_ready=False)
        self.gateway.prefix = []
        wait_until(lambda: not self.gateway.is_alive() or self.gateway.is_ready(), 20, "started or killed")
        code = self.gateway.stop()
        assert code in (0, -9), "the gateway ended with %s" % code
        return code == -9

    def run(self, number):
        shutil.rmtree(self.gateway.state, ignore_errors=True)
        is_killed = self.start_traced(number)
        self.gateway.start()
        assert b"revision 1, 0 messages" in self.gateway.is_ready().group()
        post = Post("%d" % number)
        self.posts[post.name] = post
        self.send([post])
        assert self.copies()[post.name, post.recipients[0]] == 1
        assert self.gateway.stop() == 0
        return is_killed


class RestartWalk(FirstStartWalk):
    """Killed while it starts, again and again on the same directory, with messages that wait in it: the
    next hop is silent until the end."""

    def run(self, number):
        return self.start_traced(number)

    def all(self, first, step, most):
        posts = [Post("%da" % first), Post("%db" % first, LARGE), Post("%dc" % first, FILLER)]
        self.sink.replies["GREETING"] = None
        self.gateway.start()
        with Client(self.gateway.public, helo="client.example") as client:
            for post in posts:
                self.posts[post.name] = post
                assert client.message(post.sender, post.recipients, post.content).code == 250
                post.is_acknowledged = True
        self.gateway.kill()
        kills = super().all(first, step, most)
        del self.sink.replies["GREETING"]
        self.gateway.start()
        assert b", 3 messages in the queue" in self.gateway.is_ready().group()
        self.wait_delivered("what waited through all starts")
        assert self.gateway.stop() == 0
        assert set(self.copies().values()) == {1}
        return kills


def walk_all(make_gateway, make_sink, kind, posts, thread, calls, most=RUNS_MAX):
    """Counter of kills at each of CALLS."""
    walks, counts = [], collections.Counter()
    for call in calls:
        shares = SHARES.get((thread, call), 1)
        for first in range(1, shares + 1):
            sink = next_hop(make_sink)
            config = Config(next_hop=("127.0.0.1", sink.port)).bounce(initial_retry_s=1, max_retry_s=1)
            gateway = make_gateway(config, "--loops", "1", "--segment-size", "65536", start=False)
            walks.append((call, kind(gateway, sink, posts, thread, call), first, shares))
    with concurrent.futures.ThreadPoolExecutor(WALKS_AT_ONCE) as pool:
        running = [(call, pool.submit(walk.all, first, step, most)) for call, walk, first, step in walks]
        for call, each in running:
            counts[call] += each.result()
    print("%s, %s: %d kills (%s)" % (posts.__name__ if posts else kind.__name__, thread,
                                     sum(counts.values()),
                                     ", ".join("%s %d" % (call, counts[call]) for call in calls)))
    return counts


LONG = pytest.mark.skipif(not IS_LONG, reason="some hundred restarts: in the long suite only")


@LONG
@pytest.mark.parametrize("posts, thread", [
    (delivered, "committer"), (deferred, "committer"), (reclaimed, "committer"), (large, "worker"),
    (deferred, "worker"), (delivered, "loop-1"), (deferred, "loop-1")][:7 if IS_LONG else 1])
def test_killed_at_every_call(make_gateway, make_sink, posts, thread):
    counts = walk_all(make_gateway, make_sink, Walk, posts, thread, CALLS[thread])
    # One with a ? has another name on some architectures.
    unreached = [call for call in CALLS[thread] if counts[call] == 0 and not call.startswith("?")]
    assert not unreached, "nothing was killed at %s" % unreached


@LONG
@pytest.mark.parametrize("kind", [FirstStartWalk, RestartWalk][:2 if IS_LONG else 1])
def test_killed_while_starting(make_gateway, make_sink, kind):
    counts = walk_all(make_gateway, make_sink, kind, None, "main", STARTING)
    assert counts["pwrite64"] > 10 and counts["fdatasync"] > 3 and counts["fsync"] > 1, counts


def test_killed_at_the_first_calls(make_gateway, make_sink):
    counts = walk_all(make_gateway, make_sink, Walk, delivered, "committer", ("pwritev", "fdatasync"), 3)
    assert set(counts.values()) == {3}
