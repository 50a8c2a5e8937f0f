"""Doors: the Python names that scripts import, each a thin way to the real thing.

All of them are importable from the package root, `from fillbook import TradeSyncService`, and
loaded when they are first used, so that `import fillbook` stays light.
"""
