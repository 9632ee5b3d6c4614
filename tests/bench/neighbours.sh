#!/bin/sh
# ./dev bench neighbours: what 2,000 slow clients cost 20 good ones, and two bad destinations the
# others. ROUNDS (5), BENCH_SECONDS (4) and BENCH_DIR (/var/tmp) may be set.
set -eu
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 tests/bench/neighbours.py
