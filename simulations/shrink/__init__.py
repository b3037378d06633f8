"""From a failing seed to the fewest faults and lost messages that still fail the same check. Pure logic."""
