"""Compliance within a scope: what another run has made again since is not reported once more."""

from types import SimpleNamespace

from gateway.compliance import Scope, unfit
from services.optimizer.placements import placement_book, placement_books
from services.optimizer.servicer import PlacementsServicer
from studio.v1 import library_pb2

OLD, NEW = next(iter(placement_books())), placement_book().version


class Placements:
    async def CheckCompliance(self, request):  # noqa: N802
        return await PlacementsServicer().CheckCompliance(request, None)


class Library:
    """As much of it as is asked: by run and by parent."""

    def __init__(self, *assets: library_pb2.Asset) -> None:
        self.assets = assets

    async def ListAssets(self, request):  # noqa: N802
        return library_pb2.ListAssetsResponse(
            assets=[
                one
                for one in self.assets
                if request.run in ("", one.run) and request.parent in ("", *one.parents)
            ]
        )


def rendition(id_: str, run: str, version: str, height: int) -> library_pb2.Asset:
    one = library_pb2.Asset(id=id_, run=run, parents=["master"], alt_text="A cat.", bytes=90_000)
    one.image.width, one.image.height, one.image.media_type = 1080, height, "image/jpeg"
    one.details.update({"placement": "meta_vertical", "placements_version": version})
    one.params.update({"placements": ["meta_vertical"], "fit": "smart"})
    return one


def studios(*assets: library_pb2.Asset) -> SimpleNamespace:
    return SimpleNamespace(library=Library(*assets), placements=Placements())


async def test_what_was_made_again_by_another_run_is_superseded_in_the_first():
    tall = placement_book().placement("meta_vertical").height
    old = rendition("old", "first", OLD, tall - 100)
    again = rendition("new", "second", NEW, tall)
    found = await unfit(studios(old), "w", Scope(run="first"))
    assert [one.asset.id for one, _ in found.renditions] == ["old"]
    found = await unfit(studios(old, again), "w", Scope(run="first"))
    assert (found.checked, found.superseded, found.renditions) == (1, 1, [])


async def test_a_successor_made_another_way_does_not_count():
    tall = placement_book().placement("meta_vertical").height
    old = rendition("old", "first", OLD, tall - 100)
    again = rendition("new", "second", NEW, tall)
    again.params.update({"fit": "contain"})
    found = await unfit(studios(old, again), "w", Scope(run="first"))
    assert [one.asset.id for one, _ in found.renditions] == ["old"]
