"""The picture of the annotation page that the package ships (our Figure 7): the page itself, on texts of our own.

Made again by `python -m paper_repro.annotate.sample` (Chromium is needed); a test compares the shipped one with it.
"""

from __future__ import annotations

from pathlib import Path

from paper_repro.annotate.page import turn_page
from paper_repro.annotate.ratings import Answer, Progress, Shown
from paper_repro.annotate.screenshot import photograph

PICTURE = Path(__file__).with_name("page.png")
SIZE = (1280, 700)  # CSS pixels; the picture has two pixels for each
_PROMPT = "Explain to a child why the sky is blue, in three or four sentences."
_RESPONSES = (
    "The sky is blue because of the ocean. The water is blue and the sky reflects it.\n\n"
    "1. The ocean is blue.\n2. The sky is a mirror.\n3. So the sky is blue.",
    "Sunlight looks white, but it is made of all the colours of the rainbow. When it comes through the air, the tiny "
    "bits of air push the blue light around much more than the red. So blue light comes to your eyes from everywhere "
    "above you.\n\nIn the evening the light has to go through more air, most of the blue is pushed away before it "
    "reaches you, and the sky turns orange.",
)
_ANSWER = Answer("not", "excellent", "second", "The first one is wrong.")


def sample_page() -> str:
    """The page of one turn of a rater who has rated two of four, as HTML with its style sheet in it."""
    turn = Shown(3, 0, "open", False, _PROMPT, _RESPONSES, _ANSWER)
    before = Shown(2, 1, "rated", False, _PROMPT, _RESPONSES, _ANSWER)
    return turn_page("rater-1", turn, Progress(4, 2, 0, 2), before, styled=True)


def make_picture(out: Path = PICTURE) -> None:
    """Take the picture; 64 colours are enough for it and keep the file small."""
    from PIL import Image

    photograph(sample_page(), out, size=SIZE)
    with Image.open(out) as picture:
        small = picture.convert("RGB").quantize(64)
    small.save(out, optimize=True)


if __name__ == "__main__":
    make_picture()
