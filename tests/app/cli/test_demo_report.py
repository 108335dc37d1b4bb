from __future__ import annotations

from app.cli.demo_report import load_demo


def test_the_demo_is_24_cells_and_six_genotypes_that_are_all_valid() -> None:
    cells, genotypes = load_demo()
    assert (len(cells.request().entries), len(genotypes.request().entries)) == (24, 6)
    assert genotypes.settings == {"channels": 16, "layers": 8}


def test_the_cells_span_the_accuracy_range_and_one_is_disconnected() -> None:
    cells = load_demo()[0]
    accuracies = [each.accuracy for each in cells.architectures]
    assert None not in accuracies
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    assert (min(known), max(known)) == (10.0, 94.37)
    space = cells.request().space
    connected = [space.facts(entry.architecture)["connected"] for entry in cells.request().entries]
    assert connected.count(False) == 1


def test_each_id_names_the_official_index_of_its_cell() -> None:
    for entry in load_demo()[0].request().entries:
        space = load_demo()[0].request().space
        assert f"cell {space.facts(entry.architecture)['nasbench201_index']}" == entry.id


def test_every_published_accuracy_has_a_source() -> None:
    for space in load_demo():
        assert space.sources
        assert all(0 < each.accuracy < 100 for each in space.architectures if each.accuracy is not None)
