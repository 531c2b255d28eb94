"""What an instructor runs: release, sandboxed parallel autograding on nbgrader, feedback and reports."""

import sys

# nbformat imports jsonschema, which would build a grammar of internationalised addresses if it found this package:
# 0.7 s in each process, for a format that no notebook has. Missing, it is done without.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
