"""`python -m tests.peers` builds the peers that are not built yet."""

import sys

from tests.peers.build import NotBuilt, build


def main() -> int:
    try:
        for line in build():
            print(line)
    except NotBuilt as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
