"""Downloads over HTTP that go on where they were stopped; pooch calls this in the place of its own downloader."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

PIECE = 2**16
TIMEOUT_S = 30


class Resuming:
    """Downloads into a partial file that outlives a stop, and hands it over when it is whole.

    The address has to name bytes that never change (a commit), as those of pins do: two stretches fetched at different
    times are put together. The digest, checked afterwards, tells if they do not belong together.

    Attributes:
        partial: Where the bytes gather; removed when the download is whole.
    """

    def __init__(self, partial: Path):
        self.partial = partial

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        """Fetch `url` into `output_file`.

        Raises:
            requests.ConnectionError: the connection broke, or less came than the server said; what came is kept.
            requests.HTTPError: the server refuses.
        """
        import requests

        self.partial.parent.mkdir(parents=True, exist_ok=True)
        begin = self.partial.stat().st_size if self.partial.is_file() else 0
        with self._open(url, begin) as answer:
            if begin and answer.status_code != requests.codes.partial_content:
                begin = 0  # the server knows no ranges and sends it all
            left = answer.headers.get("Content-Length")
            total = begin + int(left) if left and not answer.headers.get("Content-Encoding") else None
            self._write(answer, begin, total)
        shutil.move(self.partial, output_file)

    def _open(self, url: str, begin: int) -> requests.Response:
        import requests

        ranged = {"Range": f"bytes={begin}-"} if begin else {}
        # compressed bytes could not be counted, nor continued
        answer = requests.get(url, headers={"Accept-Encoding": "identity"} | ranged, stream=True, timeout=TIMEOUT_S)
        if begin and answer.status_code == requests.codes.requested_range_not_satisfiable:
            answer.close()
            self.partial.unlink()  # as long as the whole, or longer: nothing that could be continued
            return self._open(url, 0)
        answer.raise_for_status()
        return answer

    def _write(self, answer: requests.Response, begin: int, total: int | None) -> None:
        import requests
        from tqdm import tqdm

        shown = {
            "total": total,
            "initial": begin,
            "unit": "B",
            "unit_scale": True,
            "desc": self.partial.stem.lstrip("."),
        }
        with open(self.partial, "ab" if begin else "wb") as file, tqdm(**shown, disable=not sys.stderr.isatty()) as bar:
            try:
                for piece in answer.iter_content(PIECE):
                    file.write(piece)
                    bar.update(len(piece))
            except requests.exceptions.ChunkedEncodingError as error:
                raise requests.ConnectionError(f"the connection broke: {error}") from error
