"""Instructions a call, counted by valgrind and held to a committed baseline: figures that no busy machine can change.

`src/` carries calls through parts of the engine in memory; callgrind counts what runs inside of `counting::inside`, so
neither start-up nor the ends around the measured part are in it. Randomness is seeded and time injected. What would
still differ from one machine to the next is libc's choice of memcpy by the processor: every run is told to take the
one that all x86-64 processors have (`callgrind.GENERIC`). TLS is left out, its code is the processor's own.
"""
