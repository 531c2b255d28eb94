"""Files that are too large to travel with the package: from a local folder, or else from one of their mirrors."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["DownloadError", "fetch", "folder_for"]

CONNECT, READ = 10, 30  # seconds to wait for a mirror to answer, and then for its next bytes


class DownloadError(OSError):
    """No mirror gave the file. The message says what each of them said and what to do without a network."""


def folder_for(dataset: str, folder: str | Path | None) -> Path:
    """The folder that a caller names, or the one in the user's cache that belongs to the data set."""
    if folder is not None:
        return Path(folder).expanduser()
    from platformdirs import user_cache_path  # late: nothing else in the course needs it

    return user_cache_path("convnet-course") / dataset


def fetch(
    name: str,
    *,
    folder: Path,
    mirrors: Sequence[str],
    sha256: str,
    timeout: tuple[float, float] = (CONNECT, READ),
) -> Path:
    """Find a file in a folder, or download it there from the first mirror that has it.

    What is downloaded has the right checksum or is thrown away, and appears in the folder only when it is whole.

    Args:
        name: of the file.
        folder: where it is, or is to be.
        mirrors: addresses that end in "/", to be tried in this order; the name is appended.
        sha256: its checksum, in hexadecimal. A file that is there already is not checked: it may be your own.
        timeout: seconds to wait for a connection, and for the next bytes.

    Raises:
        DownloadError: no mirror gave the right file in time.
    """
    path = folder / name
    if path.exists():
        return path
    import pooch  # late, as it takes long to import
    from requests.exceptions import RequestException

    failures = []
    for mirror in mirrors:
        downloader = pooch.HTTPDownloader(timeout=timeout)
        try:
            pooch.retrieve(mirror + name, f"sha256:{sha256}", name, folder, downloader=downloader)
            return path
        except (RequestException, OSError, ValueError) as e:
            failures.append(f"{mirror}{name}: {_reason(e)}")
    raise DownloadError(
        f"{name} is not in {folder}, and no mirror gave it.\n  "
        + "\n  ".join(failures)
        + f"\nWithout a network, copy the file into {folder} or name another folder that holds it: folder=…"
    )


def _reason(e: Exception) -> str:
    """The first sentence of what went wrong; the exceptions of a connection are nested and long."""
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import HTTPError, Timeout

    if isinstance(e, Timeout):
        return "no answer in time"
    if isinstance(e, NoConnection):
        return "no connection"
    if isinstance(e, HTTPError) and e.response is not None:
        return f"answered {e.response.status_code} {e.response.reason}"
    if "hash" in str(e).lower():
        return "another file, its checksum is wrong"
    return f"{type(e).__name__}: {e}"
