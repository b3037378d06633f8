"""One small supervisor for the whole stack: starts it in order, restarts what dies, leaves nothing behind.

listener    the listening socket, held here so that a restart of the web process refuses nobody
plan        which processes there are, and when each counts as ready
child       one process: start, stop, log
guard       a helper process that ends the others should the supervisor itself be killed
supervisor  the order of starting and stopping, and the watch in between
"""
