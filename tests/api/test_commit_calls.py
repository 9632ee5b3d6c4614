"""kill -9 at every system call of a change: after the next start it is the old or the new, whole, what was
answered is there, and the audit knows of the new and of nothing else.

How many calls a change makes is counted first; then one run for each. The short form takes a few of those
that decide; the long one takes all."""
import collections

import pytest

import changes
from changes import Walk
from harness import IS_LONG, SANITIZER
from harness.strace import why_not

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(SANITIZER in ("asan", "tsan"), reason="what is killed tells a sanitizer nothing"),
]

SHORT = [changes.OneObject, changes.Listener, changes.File, changes.DraftFile, changes.User]
LONG = SHORT + [changes.Certificate, changes.Checkpoint, changes.DraftItem, changes.DraftDiscard,
                changes.Token, changes.Session]
MOST = 200  # of one call of one thread: only what moves a thousand pages has more
# What decides, with how many kills of it in the short form.
DECIDING = {("postern", "pwrite64"): 3, ("postern", "fdatasync"): 2, ("postern", "bind"): 1,
            ("loop-1", "listen"): 1, ("MHD-worker", "sendmsg"): 1}


def spread(count, most):
    """At most MOST of 1..COUNT, with the last and the first."""
    if count <= most or most == 0:
        return list(range(1, count + 1)) if most else []
    if most == 1:
        return [count]
    return sorted({1 + (count - 1) * i // (most - 1) for i in range(most)})


@pytest.mark.parametrize("kind", LONG if IS_LONG else SHORT, ids=lambda kind: kind.__name__)
def test_killed_at_every_call(make_api, kind):
    walk = Walk(make_api, kind)
    wanted = collections.Counter()
    for is_there in (True, False):
        wanted |= walk.count(is_there)
    assert wanted["postern", "pwrite64"] and wanted["postern", "fdatasync"], wanted
    results = collections.Counter()
    for (thread, call), count in sorted(wanted.items()):
        most = MOST if IS_LONG else DECIDING.get((thread, call), 0)
        for number in spread(count, most):
            results[walk.kill_at(thread, call, number)] += 1
            if IS_LONG:  # there and back are not alike
                results[walk.kill_at(thread, call, number)] += 1
    print("%s: %d calls; killed %d times: %d new, %d old" %
          (walk.name, sum(wanted.values()), results[True] + results[False], results[True], results[False]))
    assert results[False] and results[True], results
    if kind is changes.Checkpoint:
        assert wanted["postern", "fdatasync"] >= 3, wanted
