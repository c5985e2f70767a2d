"""How processes that accept from one socket know of each other's connections."""

import os

from t0.server.shares import Shares


def test_a_process_alone_is_never_ahead():
    share = Shares(1).of(0)
    share.connections = 1000
    assert not share.is_ahead


def test_who_has_more_than_another_is_ahead():
    all_shares = Shares(3)
    shares = [all_shares.of(i) for i in range(3)]
    ahead = []
    for counts in ((0, 0, 0), (1, 0, 0), (2, 0, 0), (2, 1, 1), (5, 4, 3)):
        for share, count in zip(shares, counts, strict=True):
            share.connections = count
        ahead.append([share.is_ahead for share in shares])
    no = False
    assert ahead == [[no, no, no], [no, no, no], [True, no, no], [no, no, no], [True, no, no]]


def test_forked_processes_see_each_other():
    shares = Shares(2)
    own = shares.of(0)
    own.connections = 2
    if os.fork() == 0:
        shares.of(1).connections = 7
        os._exit(0)
    os.wait()
    assert not own.is_ahead


def test_a_process_that_is_started_again_begins_with_none():
    shares = Shares(2)
    shares.of(0).connections = 9
    assert shares.of(0).connections == 0
