"""What an instructor runs: release, sandboxed parallel autograding on nbgrader, feedback and reports."""
