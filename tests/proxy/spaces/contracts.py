"""What every search space must fulfil: inherit `SpaceContract`, and a new space has its tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar

import pytest

from proxy.errors import InvalidArchitecture, InvalidSettings, LossyConversion, TooLarge, UnknownFormat
from proxy.spaces import SPACES
from proxy.spaces._base import CellGraph, ImageShape, Sampler, Space

IMAGE = ImageShape(3, 32, 32)


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


#: Values that no space has, whatever the format.
HOSTILE: list[Any] = [
    None,
    True,
    3.5,
    float("nan"),
    -1,
    10**6000,
    "",
    "\0",
    "\ud800",
    "|" * 100_000,
    "Genotype(" * 12_000,
    "[" * 10_000,
    '{"normal":' * 10_000,
    [],
    {},
    b"|none~0|",
    nested(10_000),
    [nested(10_000)] * 3,
    {"normal": nested(10_000), "reduce": nested(10_000)},
    [[["none", 0]]] * 100_000,
    {f"key {number}": 0 for number in range(100_000)},
    {1: 2, None: 3},
]


class SpaceContract:
    """Set `space`, and `members`: JSON values of various architectures in self-describing formats."""

    space: ClassVar[Space[Any]]
    members: ClassVar[list[Any]]

    @pytest.fixture
    def architectures(self) -> list[Any]:
        return [self.space.parse(member).architecture for member in self.members]

    def test_is_in_the_table_under_its_name(self) -> None:
        assert SPACES[self.space.name] is self.space

    def test_texts_are_given(self) -> None:
        for text in (self.space.title, self.space.paper, self.space.size):
            assert text
        assert all(form.summary for form in self.space.formats.values())
        assert all(setting.meaning for setting in self.space.settings)

    def test_network_is_named_as_module_and_attribute(self) -> None:
        module, _, attribute = self.space.network.partition(":")
        assert module.startswith(f"proxy.spaces.{self.space.name}.")
        assert attribute == "build"

    def test_examples_of_all_formats_are_one_architecture_as_far_as_they_keep_order(self) -> None:
        name_of = self.space.isomorphism or (lambda architecture: architecture.canonical)
        read = {name_of(self.space.parse(form.example, name).architecture) for name, form in self.space.formats.items()}
        assert len(read) == 1

    def test_what_a_format_writes_it_reads_as_the_same(self, architectures: list[Any]) -> None:
        written = 0
        for architecture in architectures:
            for name, form in self.space.formats.items():
                try:
                    value = form.write(architecture)
                except LossyConversion:
                    assert name != self.space.canonical_format
                    continue
                assert json.loads(json.dumps(value, allow_nan=False)) == value
                assert self.space.parse(value, name).architecture == architecture
                written += 1
        assert written >= len(architectures)

    def test_examples_are_what_formats_write(self) -> None:
        for name, form in self.space.formats.items():
            assert form.write(self.space.parse(form.example, name).architecture) == form.example

    def test_reordering_stays_within_the_class(self, architectures: list[Any]) -> None:
        if self.space.reordered is None:
            return
        assert self.space.isomorphism is not None
        for architecture in architectures:
            again = self.space.reordered(architecture)
            assert self.space.reordered(again) == again
            assert self.space.isomorphism(again) == self.space.isomorphism(architecture)

    def test_formats_are_named_by_their_key(self) -> None:
        assert all(form.name == name for name, form in self.space.formats.items())

    def test_inferred_format_is_the_one_meant(self) -> None:
        for name, form in self.space.formats.items():
            if form.recognises(form.example):
                assert self.space.parse(form.example).format == name

    def test_no_value_is_recognised_by_two_formats(self, architectures: list[Any]) -> None:
        values = [form.example for form in self.space.formats.values()] + self.members
        for value in values + [architecture.canonical for architecture in architectures]:
            assert sum(form.recognises(value) for form in self.space.formats.values()) <= 1

    def test_canonical_form_reads_as_itself(self, architectures: list[Any]) -> None:
        for architecture in architectures:
            again = self.space.parse(architecture.canonical)
            assert again.architecture == architecture
            assert again.architecture.canonical == architecture.canonical
            assert again.format == self.space.canonical_format
            assert hash(again.architecture) == hash(architecture)

    def test_members_differ(self, architectures: list[Any]) -> None:
        assert len({architecture.canonical for architecture in architectures}) == len(self.members)

    def test_default_settings_are_complete_and_in_table_order(self) -> None:
        complete = self.space.complete_settings({}, classes=10)
        assert list(complete) == [setting.name for setting in self.space.settings]
        assert complete["classes"] == 10

    def test_settings_accept_both_ends_and_nothing_beyond(self) -> None:
        for setting in self.space.settings:
            for value in (setting.minimum, setting.maximum):
                assert self.space.complete_settings({setting.name: value}, 10)[setting.name] == value
            refused: list[object] = [setting.minimum - 1, setting.maximum + 1, True, 2.0, "2"]
            for wrong in refused:
                with pytest.raises(InvalidSettings, match=rf"settings\.{setting.name}: .*{setting.maximum}"):
                    self.space.complete_settings({setting.name: wrong}, 10)

    def test_unknown_setting_is_named_with_what_exists(self) -> None:
        with pytest.raises(InvalidSettings, match=r"'widht' is no setting; space .* has channels") as raised:
            self.space.complete_settings({"widht": 3, "channels": 0}, 10)
        assert len(raised.value.faults) == 2

    def test_counts_are_positive_and_grow_with_every_setting(self, architectures: list[Any]) -> None:
        for architecture in architectures:
            for smaller, larger in self.growing_settings():
                before = self.space.counts(architecture, smaller, IMAGE)
                after = self.space.counts(architecture, larger, IMAGE)
                assert 0 < before.params <= after.params
                assert 0 < before.macs <= after.macs

    def test_macs_grow_with_the_image_and_params_do_not(self, architectures: list[Any]) -> None:
        complete = self.space.complete_settings({}, 10)
        for architecture in architectures:
            small = self.space.counts(architecture, complete, ImageShape(3, 16, 16))
            large = self.space.counts(architecture, complete, IMAGE)
            assert small.params == large.params
            assert small.macs < large.macs

    def test_memory_estimate_grows_with_every_setting(self, architectures: list[Any]) -> None:
        for architecture in architectures:
            for smaller, larger in self.growing_settings():
                before = self.space.peak_numbers(architecture, smaller, IMAGE)
                after = self.space.peak_numbers(architecture, larger, IMAGE)
                assert 0 < before[0] <= after[0]
                assert 0 < before[1] <= after[1]
                assert before != after

    def test_memory_limit_refuses_the_largest_network(self, architectures: list[Any]) -> None:
        largest = {setting.name: setting.maximum for setting in self.space.settings}
        smallest = {setting.name: setting.minimum for setting in self.space.settings}
        sizes: dict[str, int] = {"images": 8, "limit": 2**30}
        for architecture in architectures:
            self.space.check_memory(architecture, smallest, IMAGE, **sizes)
            with pytest.raises(TooLarge, match=r"channels 4096.*limit is 1\.0 GiB; use fewer channels"):
                self.space.check_memory(architecture, largest, IMAGE, **sizes)

    def test_memory_is_what_the_proxies_need_of_it(self, architectures: list[Any]) -> None:
        settings = self.space.complete_settings({}, 10)
        for architecture in architectures:
            per_network, per_image = self.space.peak_numbers(architecture, settings, IMAGE)
            limit = (per_network + 8 * per_image) * 8
            self.space.check_memory(architecture, settings, IMAGE, images=8, limit=limit)
            self.space.check_memory(architecture, settings, IMAGE, images=8, limit=3 * limit, times=2.5)
            with pytest.raises(TooLarge):
                self.space.check_memory(architecture, settings, IMAGE, images=8, limit=2 * limit, times=2.5)

    def growing_settings(self) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
        """Pairs of settings: the second has one that is twice as large."""
        for setting in self.space.settings:
            smaller = self.space.complete_settings({}, 10)
            yield smaller, {**smaller, setting.name: 2 * smaller[setting.name]}

    def test_graph_can_be_drawn(self, architectures: list[Any]) -> None:
        for architecture in architectures:
            for graph in self.space.graph(architecture):
                place = {node: position for position, node in enumerate(graph.nodes)}
                assert len(place) == len(graph.nodes), "a node is listed once"
                for edge in graph.edges:
                    assert place[edge.source] < place[edge.target], "nodes are in topological order"

    def test_edges_that_reach_the_output_lie_on_a_path_to_it(self, architectures: list[Any]) -> None:
        for architecture in architectures:
            for graph in self.space.graph(architecture):
                ends = {graph.nodes[-1]} | {edge.source for edge in graph.edges if edge.reaches_output}
                assert all(edge.target in ends for edge in graph.edges if edge.reaches_output)

    def test_graph_agrees_with_connected(self, architectures: list[Any]) -> None:
        for architecture in architectures:
            passes = [_passes(graph) for graph in self.space.graph(architecture)]
            connected = self.space.facts(architecture)["connected"]
            assert isinstance(connected, bool)
            if all(passes) or not any(passes):
                assert connected == passes[0]

    def test_facts_are_json(self, architectures: list[Any]) -> None:
        for architecture in architectures:
            facts = self.space.facts(architecture)
            assert json.loads(json.dumps(facts, allow_nan=False)) == facts

    def test_effective_architectures_are_their_own(self, architectures: list[Any]) -> None:
        if self.space.effective is None:
            return
        for architecture in architectures:
            effective = self.space.effective(architecture)
            again = self.space.parse(effective, self.space.canonical_format).architecture
            assert again.canonical == effective
            assert self.space.effective(again) == effective

    def test_what_is_enumerated_is_every_member_once_in_canonical_form(self, architectures: list[Any]) -> None:
        if self.space.enumerate is None:
            return
        everything = list(self.space.enumerate())
        assert len(set(everything)) == len(everything)
        assert {architecture.canonical for architecture in architectures} <= set(everything)
        for text in everything[:100]:
            assert self.space.parse(text, self.space.canonical_format).architecture.canonical == text

    def test_samplers_are_told_apart(self) -> None:
        assert len({sampler.name for sampler in self.space.samplers}) == len(self.space.samplers)
        assert all(sampler.summary for sampler in self.space.samplers)

    def test_what_is_drawn_or_moved_to_is_a_member(self) -> None:
        for sampler in self.space.samplers:
            rng = Random(1)
            walk = [sampler.draw(rng)]
            for _ in range(50):
                walk += [sampler.draw(rng), sampler.move(walk[-1], rng)]
            for architecture in walk:
                again = self.space.parse(architecture.canonical, self.space.canonical_format).architecture
                assert again == architecture

    def test_a_move_leads_elsewhere_and_changes_nothing_in_place(self) -> None:
        for sampler in self.space.samplers:
            rng = Random(2)
            for _ in range(200):
                before = sampler.draw(rng)
                text = before.canonical
                assert sampler.move(before, rng) != before
                assert before.canonical == text

    def test_a_seed_draws_and_moves_alike(self) -> None:
        for sampler in self.space.samplers:
            first, second = (sampled(sampler, seed=3) for _ in range(2))
            assert first == second != sampled(sampler, seed=4)

    def test_everything_is_all_that_is_drawn_or_moved_to(self) -> None:
        for sampler in self.space.samplers:
            if sampler.everything is not None:
                everything = sampler.everything()
                assert len({*everything}) == len(everything)
                assert {*sampled(sampler, seed=5)} <= {*everything}

    @pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
    def test_hostile_values_raise_bounded_errors(self, value: object) -> None:
        for name in (None, *self.space.formats):
            with pytest.raises((InvalidArchitecture, UnknownFormat)) as raised:
                self.space.parse(value, name)
            assert len(str(raised.value)) < 8_000


def sampled(sampler: Sampler[Any], seed: int) -> list[Any]:
    """Twenty that are drawn, and a walk of twenty moves from the last."""
    rng = Random(seed)
    found = [sampler.draw(rng) for _ in range(20)]
    for _ in range(20):
        found.append(sampler.move(found[-1], rng))
    return found


def _passes(graph: CellGraph) -> bool:
    """Whether an edge that reaches the output starts at a node that nothing flows into."""
    fed = {edge.target for edge in graph.edges}
    return any(edge.reaches_output and edge.source not in fed for edge in graph.edges)
