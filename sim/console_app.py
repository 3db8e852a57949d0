"""What the command `app` does: look whether it can, simulate what is shown first, serve, end on Ctrl-C."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from sim.console import COMPILING, complain
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.draws.wish import DrawsWish
    from sim.study.lessons import Lesson

NEEDS = ("solara", "solara-assets", "ipyvuetify")
"""Packages of the extra; without the assets the page would be blank offline."""


def show(
    own: Sequence[Lesson],
    *,
    port: int | None,
    browser: bool,
    lang: str,
    scale: int,
    seed: int,
    draws: DrawsWish,
    quiet: bool,
) -> None:
    """Serve the web demo until the user ends it. Raises `InputError` for what cannot be shown or where."""
    _require_extra()
    from sim.study.compiling import warm_up
    from sim.study.lessons import LESSONS, pair_of

    for lesson in own:
        pair_of(lesson, scale, draws)  # what is wrong with it is said before anything is opened
    from sim.views.app.server import HOST, application, bound, serve

    with bound(port) as there:
        number = there.getsockname()[1]

        def say(text: str) -> None:
            if not quiet:
                print(text, file=sys.stderr, flush=True)

        warm_up(lambda: say(f"cardbreak: {COMPILING}"))
        from sim.views.app.stage import Offer

        offer = Offer((*own, *LESSONS), scale, seed, draws, lang)
        app = application(number)
        _show(offer)
        address = f"http://{HOST}:{number}/"

        def started() -> None:
            say(f"cardbreak app: {address}  (Ctrl-C ends it)")
            if browser:
                threading.Thread(target=_open, args=(address,), daemon=True).start()  # some wait for its end

        warnings.filterwarnings("ignore", module="solara")  # of cookies on other sites: here is none
        with suppress(KeyboardInterrupt):  # a shell's background job that ignores interrupts only returns
            serve(app, there, started)
        say("cardbreak app: ended")


def _show(offer: object) -> None:
    """Put up what is on offer, and simulate the first pair, so that the first page finds it done."""
    from sim.study.lessons import pair_of
    from sim.views.app.page import Show
    from sim.views.app.stage import Offer

    assert isinstance(offer, Offer)
    Show.offer = offer
    pair_of(offer.lessons[0], offer.scale, offer.draws).session(0, offer.seed, Show.past).run()


def _open(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        complain(f"no browser could be opened; open {address} yourself")


def _require_extra() -> None:
    missing = []
    for name in NEEDS:
        try:
            distribution(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        what = f"needs packages that are not installed ({', '.join(missing)})"
        raise InputError([Fault("app", None, "", what, "Run make demo, or pip install 'cardbreak[app]'.")])
