"""Where a scenario's instructions go: by function, what was inlined into it included."""

import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from bench.steps import callgrind
from bench.steps.binary import CannotCount

_LINE = re.compile(r"^ *([\d,]+) \( *[\d.]+%\)  [^:\n]*:(.+?)(?: \[[^\]]*\])?$", re.MULTILINE)
_IMPL = re.compile(r"<impl [\w:]*?(\w+)>")


def table(name: str, most: int = 20) -> str:
    """The functions with the most instructions a call, and each one's share. Raises CannotCount."""
    with tempfile.TemporaryDirectory(prefix="tulle-steps-") as folder:
        profile = Path(folder) / "profile"
        calls = callgrind.run(name, profile)
        total = callgrind.total(profile.read_text()) / calls
        counted = by_function(_annotated(profile))
    lines = [f"{name}: {total:,.1f} instructions, by function, without what it calls"]
    for function, instructions in counted.most_common(most):
        lines.append(f"{instructions / calls:>10,.1f} {instructions / calls / total:>6.1%}  {function}")
    return "\n".join(lines)


def by_function(annotated: str) -> Counter[str]:
    """Sums what callgrind_annotate tells by source file and function."""
    counted: Counter[str] = Counter()
    for instructions, function in _LINE.findall(annotated):
        counted[_IMPL.sub(r"\1", function)] += int(instructions.replace(",", ""))
    return counted


def _annotated(profile: Path) -> str:
    command = ["callgrind_annotate", "--threshold=100", "--auto=no", str(profile)]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError as error:
        raise CannotCount("callgrind_annotate is missing: it comes with Debian's package valgrind") from error
    except subprocess.CalledProcessError as error:
        raise CannotCount(f"callgrind_annotate failed: {error.stderr.strip()[-500:]}") from error
