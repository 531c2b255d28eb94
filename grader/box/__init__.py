"""The sandbox in which student code runs, and the channel through which trusted code reaches it.

Outside, in the trusted process: `host` (starts boxes, asks them), `remote` (what a test cell sees of the
student's names),
`bubblewrap` (how the walls are built), `levels` (which walls this machine can build; none: refuse).

Inside, in the box: `zygote` (pre-warmed, forks one box a submission), `walls` (namespaces, limits,
capabilities), `seccomp`,
`session` (answers requests), `cells` (runs the student's cells).

On both sides: `wire` (messages, bounded in size and time), `codec` (plain data only, never pickle), `limits`.

The inside is mounted into the box as a package of its own, so its modules import only each other, relatively.
"""
