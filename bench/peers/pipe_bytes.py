"""CPython's Pipe, 1 MiB of bytes one way."""
import multiprocessing as mp
import sys

from one_way import receive, send

if __name__ == '__main__':
    mine, theirs = mp.Pipe()
    child = mp.Process(target=receive, args=(theirs,), daemon=True)
    child.start()
    theirs.close()
    send(mine, float(sys.argv[1]))
    mine.close()
    child.join(5)
