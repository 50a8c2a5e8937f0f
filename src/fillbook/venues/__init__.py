"""The outside world. A public folder here is one venue; an underscore file is machinery."""
