"""System calls that fail in the middle of a change: no space, a broken disk, a port that is taken, no
descriptor left. The answer is a problem and nothing has changed, or, where the failure does not matter,
the change is made; mail is taken meanwhile, the next change goes through, and a kill -9 after the answer
brings back what was answered."""
import pytest

import changes
from changes import Walk
from harness import IS_LONG, SANITIZER
from harness.strace import why_not

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(SANITIZER in ("asan", "tsan"), reason="a sanitizer does not end well under a tracer"),
]

STORE = [("postern", "pwrite64", "ENOSPC"), ("postern", "fdatasync", "EIO"), ("postern", "pwrite64", "EIO"),
         ("postern", "fdatasync", "ENOSPC")]
KEYS = [("postern", "openat", "EMFILE"), ("postern", "openat", "ENOMEM"), ("postern", "openat", "EIO")]
PORTS = [("postern", "bind", "EADDRINUSE"), ("postern", "listen", "EADDRINUSE"),
         ("postern", "socket", "EMFILE"), ("postern", "bind", "EACCES"),
         ("postern", "socket", "ENOMEM"), ("postern", "setsockopt", "ENOMEM")]
SHORT = [(changes.OneObject, STORE[:2] + KEYS[:1]), (changes.Listener, STORE[1:2] + PORTS[:3]),
         (changes.User, STORE[:2])]
LONG = [(changes.OneObject, STORE + KEYS), (changes.Listener, STORE + KEYS + PORTS),
        (changes.Certificate, STORE + KEYS), (changes.Checkpoint, STORE), (changes.File, STORE),
        (changes.DraftItem, STORE), (changes.DraftDiscard, STORE), (changes.DraftFile, STORE),
        (changes.Token, STORE), (changes.User, STORE), (changes.Session, STORE)]


def numbers(count):
    """Which of the calls fail: the first, or each in turn up to some, in the long form."""
    if not IS_LONG:
        return [1]
    return sorted({1 + (count - 1) * i // 7 for i in range(8)})


def fail_at(walk, thread, injection):
    """Whether the change was made all the same."""
    what = "%s, %s of %s" % (walk.name, injection, thread)
    answer, before = walk.disturb(thread, injection)
    assert answer is not None and walk.scene.gateway.is_alive(), what
    assert answer.status < 300 or answer.headers["Content-Type"] == "application/problem+json", what
    is_new = walk.settle(answer, before, what)
    assert is_new == (answer.status < 300), "%s: answered %r" % (what, answer)
    now = walk.scene.mark()
    walk.scene.restart()
    after = walk.scene.mark()
    assert after.revision == now.revision, "%s: revision %d came back" % (what, after.revision)
    assert after.state == now.state, "%s: not as answered: %r" % (
        what, changes.unlike(after.state, now.state))
    return is_new


@pytest.mark.parametrize("kind, failures", LONG if IS_LONG else SHORT,
                         ids=lambda each: getattr(each, "__name__", ""))
def test_fails_at_every_call(make_api, kind, failures):
    walk = Walk(make_api, kind)
    made = refused = 0
    for is_there in (True, False) if IS_LONG else (True,):
        if walk.is_there == is_there:
            walk.go(not is_there)
        wanted = walk.count(is_there)
        walk.go(not is_there)
        for thread, call, error in failures:
            assert wanted[thread, call] or not is_there, (wanted, thread, call)
            for number in numbers(wanted[thread, call]) if wanted[thread, call] else []:
                for more in ("", "+") if IS_LONG else ("+",):
                    injection = "%s:error=%s:when=%d%s" % (call, error, number, more)
                    if fail_at(walk, thread, injection):
                        made += 1
                    else:
                        refused += 1
                        walk.go(is_there)
                    walk.go(not is_there)
    print("%s: %d refused, %d made all the same" % (walk.name, refused, made))
    assert refused
