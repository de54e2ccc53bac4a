"""Token replay one event at a time, with dictionaries; the reference for the compiled token game."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

LONGEST_PATH, DEPTH, PASSES, ROUNDS = 50, 2, 2, 5


class Net:
    """Arcs by transition, silent paths by place, from a PetriNet."""

    def __init__(self, net):
        self.places = sorted(net.places)
        self.label = {t.id: t.label for t in net.transitions}
        self.inputs = {t: Counter() for t in self.label}
        self.outputs = {t: Counter() for t in self.label}
        self.silent = {place: [] for place in self.places}
        for arc in net.arcs:
            if arc.target in self.label:
                self.inputs[arc.target][arc.source] += arc.weight
                if self.label[arc.target] is None:
                    self.silent[arc.source].append(arc.target)
            else:
                self.outputs[arc.source][arc.target] += arc.weight
        self.initial, self.final = Counter(net.initial_marking), Counter(net.final_marking)
        left = {place for arcs in self.inputs.values() for place in arcs}
        sinks = [place for place in self.places if place not in left]
        self.sink = [place for place in sinks if len(sinks) == 1 and place in self.final]
        self.paths = {place: self._paths(place) for place in self.places}

    def labelled(self, activity):
        return sorted(t for t, label in self.label.items() if label == activity)

    def _paths(self, source):
        """Shortest silent path to each place; of several the first found along the arcs in their order."""
        paths, level = {}, {source: ()}
        for _ in range(LONGEST_PATH):
            found = {}
            for place, steps in level.items():
                for t in self.silent[place]:
                    for target in self.outputs[t]:
                        if target not in paths:
                            found.setdefault(target, (*steps, t))
            paths |= found
            level = found
        return paths


@dataclass
class Replayed:
    """The token counts of one trace, and what they are made of."""

    produced: int = 0
    consumed: int = 0
    missing: int = 0
    remaining: int = 0
    fit: bool = False
    unknown: Counter = field(default_factory=Counter)
    fired: Counter = field(default_factory=Counter)
    problems: Counter = field(default_factory=Counter)
    missing_at: Counter = field(default_factory=Counter)
    remaining_at: Counter = field(default_factory=Counter)

    @property
    def fitness(self):
        return 0.5 * (1 - self.missing / self.consumed) + 0.5 * (1 - self.remaining / self.produced)


def replay(net, trace):
    """Replay a trace (a list of activities) on a `Net`."""
    game = _Game(net)
    for activity in trace:
        game.event(activity)
    game.end()
    return game.result


class _Game:
    def __init__(self, net):
        self.net, self.marking = net, Counter(net.initial)
        self.result = Replayed(produced=net.initial.total())

    def enabled(self, t):
        return all(self.marking[place] >= weight for place, weight in self.net.inputs[t].items())

    def fire(self, t):
        self.marking.subtract(self.net.inputs[t])
        self.marking.update(self.net.outputs[t])
        self.result.consumed += self.net.inputs[t].total()
        self.result.produced += self.net.outputs[t].total()
        self.result.fired[t] += 1

    def event(self, activity):
        same = self.net.labelled(activity)
        if not same:
            self.result.unknown[activity] += 1
            return
        t = next(filter(self.enabled, same), same[0])
        if not self.enabled(t):
            self.prepare(t, 1, set(), True)
        if not self.enabled(t):
            self.result.problems[t] += 1
            for place, weight in self.net.inputs[t].items():
                if self.marking[place] < weight:
                    self.missing(place, weight - self.marking[place])
                    self.marking[place] += weight
        self.fire(t)

    def missing(self, place, tokens):
        self.result.missing += tokens
        self.result.missing_at[place] += tokens

    def candidates(self, targets):
        """Silent paths from the marked places to `targets`, by length, then by the names of both ends."""
        marked = [place for place in self.net.places if self.marking[place] > 0]
        paths = [self.net.paths[place].get(target, ()) for place in marked for target in sorted(targets)]
        return sorted(filter(None, paths), key=len)

    def prepare(self, t, depth, visited, watchful):
        """Fire silent transitions towards the places that `t` is short of.

        While every path so far could be begun, stop as soon as `t` is enabled, and leave a path at its first
        blocked step. Once one could not, blocked steps are prepared in turn and all paths are followed to
        their ends, also while preparing steps for a path after that one. There is a second pass if a step
        was fired before.
        """
        short_of = [place for place, weight in self.net.inputs[t].items() if self.marking[place] < weight]
        for number in range(PASSES):
            watch, again, before = watchful and number == 0, False, self.result.fired.total()
            for path in self.candidates(short_of):
                watch = self.follow(path, depth, visited, watch)
                if watch and self.enabled(t):
                    return
                again |= watch and self.result.fired.total() > before
            if not again or self.enabled(t):
                return

    def follow(self, path, depth, visited, watch):
        for i, t in enumerate(path):
            if t in visited:
                continue
            if not self.enabled(t) and (i == 0 or not watch):
                watched, watch = watch, False
                if depth < DEPTH:
                    visited.add(t)
                    self.prepare(t, depth + 1, visited, watched)
            if self.enabled(t):
                self.fire(t)
                visited.add(t)
            elif watch:
                break
        return watch

    def end(self):
        self.walk(self.net.final)
        self.walk(self.net.sink)
        self.result.remaining_at = self.marking - self.net.final
        self.result.remaining = self.result.remaining_at.total()
        self.result.fit = self.result.missing == self.result.remaining == 0
        self.result.consumed += self.net.final.total()
        for place, tokens in (self.net.final - self.marking).items():
            self.missing(place, tokens)

    def reached(self):
        return all(self.marking[place] > 0 for place in self.net.final)

    def walk(self, targets):
        """Follow silent paths to `targets`, past blocked steps, until the final places are marked."""
        for _ in range(ROUNDS):
            before = self.result.fired.total()
            for path in [] if self.reached() else self.candidates(targets):
                for t in path:
                    if self.enabled(t):
                        self.fire(t)
                if self.reached():
                    return
            if self.result.fired.total() == before:
                return
