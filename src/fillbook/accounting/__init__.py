"""Verbs: pure functions from facts to figures. No I/O, no clock, no float."""
