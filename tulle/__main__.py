"""`python -m tulle`."""

from tulle.main import main

if __name__ == "__main__":
    main()
