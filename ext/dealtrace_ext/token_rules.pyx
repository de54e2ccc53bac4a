"""The token game on one marking: what a step and the end of a case do to it.

The replay is the one of Berti and van der Aalst, "Reviving Token-based Replay: Increasing Speed While
Improving Diagnostics" (2019): silent transitions are fired along shortest paths towards the places that a
step is short of, and what is still missing is added and counted.
"""

from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

cdef enum:
    LONGEST_PATH = 50     # silent steps between two places
    DEPTH = 2             # silent steps that are not enabled are prepared by others, these by none
    PASSES = 2            # over the paths to the places a step is short of
    ROUNDS = 5            # of silent steps towards the end of a case


cdef class TokenRules:
    """One net and one marking of it. Places and transitions are numbered in the order of their names.

    Parameters
    ----------
    inputs, outputs : list of list of (place, weight)
        Arcs of each transition; the places of `inputs` ascend, those of `outputs` are in the order of the arcs.
    silent : list of list of int
        The silent transitions that take from each place, in the order of the arcs.
    labels : list of int
        Label of each transition, from 0; -1 for a silent one. Every label up to the largest is used.
    initial, final : list of int
        Tokens of each place.

    Raises
    ------
    OverflowError
        Weights and markings add up to 2**31 or more.
    """

    def __cinit__(self, list inputs, list outputs, list silent, list labels, list initial, list final, *_):
        total = sum([w for arcs in inputs + outputs for _, w in arcs]) + sum(initial) + sum(final)
        if total >= 1 << 31:
            raise OverflowError("the weights and markings of the net add up to 2**31 or more")
        self.places, self.transitions = len(initial), len(labels)
        self.label_count = max(labels, default=-1) + 1
        _bag(&self.inputs, inputs)
        _bag(&self.outputs, outputs)
        self.final = _ints(final)
        self._index(inputs, silent, labels)
        self._allocate(max([len(arcs) for arcs in inputs], default=0))
        for place, tokens in enumerate(initial):
            self.initial[place] = tokens

    cdef _index(self, list inputs, list silent, list labels):
        cdef list by_label = [[] for _ in range(self.label_count)]
        cdef set used = set()
        for t, arcs in enumerate(inputs):
            used.update([place for place, _ in arcs])
            if labels[t] >= 0:
                by_label[labels[t]].append(t)
        self.labelled_first, self.labelled = _ints(_starts(by_label)), _ints(sum(by_label, []))
        self.silent_first, self.silent = _ints(_starts(silent)), _ints(sum(silent, []))
        leading = [place for place, steps in enumerate(silent) if steps]
        self.leading, self.leading_count = _ints(leading), len(leading)
        sinks = [place for place in range(self.places) if place not in used]
        self.sink = sinks[0] if len(sinks) == 1 and self.final[sinks[0]] else -1

    cdef _allocate(self, int64_t most_inputs):
        cdef int64_t final_places = 0
        cdef int32_t p
        for p in range(self.places):
            final_places += self.final[p] > 0
        self.most_inputs = max(most_inputs, <int64_t> 1)
        self.area = self.places * max(self.most_inputs, final_places)
        self.paths = <Paths *> zeros(self.places, sizeof(Paths))
        self.initial = <int64_t *> zeros(self.places, sizeof(int64_t))
        self.marking = <int64_t *> zeros(self.places, sizeof(int64_t))
        self.missing_at = <int64_t *> zeros(self.places, sizeof(int64_t))
        self.remaining_at = <int64_t *> zeros(self.places, sizeof(int64_t))
        self.visited = <int64_t *> zeros(self.transitions, sizeof(int64_t))
        self.fired = <int64_t *> zeros(self.transitions, sizeof(int64_t))
        self.problems = <int64_t *> zeros(self.transitions, sizeof(int64_t))
        self.sources = <int32_t *> zeros(self.places, sizeof(int32_t))
        self.candidates = <Candidate *> zeros((DEPTH + 1) * self.area, sizeof(Candidate))
        self.short_of = <int32_t *> zeros(DEPTH * self.most_inputs + self.places, sizeof(int32_t))

    def __dealloc__(self):
        cdef int32_t p
        if self.paths != NULL:
            for p in range(self.places):
                free(self.paths[p].via)
        for memory in (
            <size_t> self.inputs.first, <size_t> self.inputs.place, <size_t> self.inputs.weight,
            <size_t> self.outputs.first, <size_t> self.outputs.place, <size_t> self.outputs.weight,
            <size_t> self.paths, <size_t> self.final, <size_t> self.labelled, <size_t> self.labelled_first,
            <size_t> self.silent, <size_t> self.silent_first, <size_t> self.initial, <size_t> self.marking,
            <size_t> self.visited, <size_t> self.fired, <size_t> self.problems, <size_t> self.missing_at,
            <size_t> self.remaining_at, <size_t> self.candidates, <size_t> self.short_of,
            <size_t> self.sources, <size_t> self.leading,
        ):
            free(<void *> <size_t> memory)

    # --- one step ------------------------------------------------------------------------------------

    cdef void step(self, int32_t label) noexcept nogil:
        """Fire the transition of `label` in the current marking, after silent ones where that helps."""
        cdef int32_t t = self.labelled[self.labelled_first[label]], i
        cdef int64_t place
        self.missing = self.consumed = self.produced = 0
        for i in range(self.labelled_first[label], self.labelled_first[label + 1]):
            if self._enabled(self.labelled[i]):
                t = self.labelled[i]
                break
        if not self._enabled(t):
            self.stamp += 1
            self._prepare(t, 1, True)
        if not self._enabled(t):
            self.problems[t] += self.weight
            for i in range(self.inputs.first[t], self.inputs.first[t + 1]):
                place = self.inputs.place[i]
                if self.marking[place] < self.inputs.weight[i]:
                    self.missing += self.inputs.weight[i] - self.marking[place]
                    self.missing_at[place] += self.weight * (self.inputs.weight[i] - self.marking[place])
                    self.marking[place] += self.inputs.weight[i]
        self._fire(t)

    cdef bint _enabled(self, int32_t t) noexcept nogil:
        cdef int32_t i
        for i in range(self.inputs.first[t], self.inputs.first[t + 1]):
            if self.marking[self.inputs.place[i]] < self.inputs.weight[i]:
                return False
        return True

    cdef void _fire(self, int32_t t) noexcept nogil:
        cdef int32_t i
        for i in range(self.inputs.first[t], self.inputs.first[t + 1]):
            self.marking[self.inputs.place[i]] -= self.inputs.weight[i]
            self.consumed += self.inputs.weight[i]
        for i in range(self.outputs.first[t], self.outputs.first[t + 1]):
            self.marking[self.outputs.place[i]] += self.outputs.weight[i]
            self.produced += self.outputs.weight[i]
        self.fired[t] += self.weight

    cdef void _prepare(self, int32_t t, int depth, bint watchful) noexcept nogil:
        """Fire silent transitions along shortest paths to the places that `t` is short of.

        Watchfully: as few as needed. Once a path could not be begun, all are followed as far as they go.
        """
        cdef int32_t *short_of = self.short_of + (depth - 1) * self.most_inputs
        cdef Candidate *candidates = self.candidates + depth * self.area
        cdef int32_t targets = 0, count, c, i
        cdef bint watch, fired, again
        for i in range(self.inputs.first[t], self.inputs.first[t + 1]):
            if self.marking[self.inputs.place[i]] < self.inputs.weight[i]:
                short_of[targets] = self.inputs.place[i]
                targets += 1
        for i in range(PASSES):
            watch, fired, again = watchful and i == 0, False, False
            count = self._candidates(candidates, short_of, targets)
            for c in range(count):
                fired |= self._follow(candidates[c], depth, &watch)
                if watch and self._enabled(t):
                    return
                again |= watch and fired
            if not again or self._enabled(t):
                return

    cdef bint _follow(self, Candidate path, int depth, bint *watch) noexcept nogil:
        """Fire the steps of a path, up to the first that cannot be while watching; say whether one was fired."""
        cdef int32_t steps[LONGEST_PATH]
        cdef int32_t i, t
        cdef bint fired = False, watched
        self._spell(path, steps)
        for i in range(path.length):
            t = steps[i]
            if self.visited[t] == self.stamp:
                continue
            if not self._enabled(t) and (i == 0 or not watch[0]):
                watched, watch[0] = watch[0], False
                if depth < DEPTH:
                    self.visited[t] = self.stamp
                    self._prepare(t, depth + 1, watched)
            if self._enabled(t):
                self._fire(t)
                self.visited[t] = self.stamp
                fired = True
            elif watch[0]:
                break
        return fired

    # --- the ending ----------------------------------------------------------------------------------

    cdef void end(self) noexcept nogil:
        """Go to the final marking, and to the sink, along silent paths; then take the final tokens."""
        cdef int32_t p, count = 0
        cdef int64_t over
        self.missing = self.consumed = self.produced = self.remaining = 0
        for p in range(self.places):
            self.produced += self.initial[p]
            if self.final[p]:
                self.short_of[count] = p
                count += 1
        self._walk(count)
        if self.sink >= 0:
            self.short_of[0] = self.sink
            self._walk(1)
        for p in range(self.places):
            over = self.marking[p] - self.final[p]
            self.consumed += self.final[p]
            if over > 0:
                self.remaining += over
                self.remaining_at[p] += self.weight * over
            elif over < 0:
                self.missing -= over
                self.missing_at[p] -= self.weight * over

    cdef void _walk(self, int32_t targets) noexcept nogil:
        """Follow silent paths, past steps that cannot be fired, until the final places are marked."""
        cdef int32_t steps[LONGEST_PATH]
        cdef int32_t count, c, i, r
        cdef bint fired
        for r in range(ROUNDS):
            if self._reached():
                return
            fired = False
            count = self._candidates(self.candidates, self.short_of, targets)
            for c in range(count):
                self._spell(self.candidates[c], steps)
                for i in range(self.candidates[c].length):
                    if self._enabled(steps[i]):
                        self._fire(steps[i])
                        fired = True
                if self._reached():
                    return
            if not fired:
                return

    cdef bint _reached(self) noexcept nogil:
        cdef int32_t p
        for p in range(self.places):
            if self.final[p] and not self.marking[p]:
                return False
        return True

    # --- silent paths --------------------------------------------------------------------------------

    cdef int32_t _candidates(self, Candidate *found, int32_t *targets, int32_t count) noexcept nogil:
        """Paths from the marked places to `targets`, by length, then by the names of both ends."""
        cdef int32_t starts[LONGEST_PATH + 2]
        cdef int32_t p, s, i, n, sources = 0, length, longest = 0, total = 0
        memset(starts, 0, sizeof(starts))
        for s in range(self.leading_count):
            p = self.leading[s]
            if self.marking[p] > 0 and self._known(p):
                self.sources[sources] = p
                sources += 1
                for i in range(count):
                    length = self.paths[p].length[targets[i]]
                    starts[length + 1] += 1
                    longest = max(longest, length)
        starts[1] = 0
        for n in range(1, longest + 2):
            starts[n] += starts[n - 1]
        total = starts[longest + 1]
        for s in range(sources if total else 0):
            p = self.sources[s]
            for i in range(count):
                length = self.paths[p].length[targets[i]]
                if length:
                    found[starts[length]] = Candidate(p, targets[i], length)
                    starts[length] += 1
        return total

    cdef void _spell(self, Candidate path, int32_t *steps) noexcept nogil:
        cdef int32_t i, place = path.target
        for i in range(path.length - 1, -1, -1):
            steps[i] = self.paths[path.source].via[place]
            place = self.paths[path.source].before[place]

    cdef bint _known(self, int32_t source) noexcept nogil:
        """Find the shortest silent paths from `source`, once; False where there is no memory.

        Of several the first found is kept, along the arcs in their order.
        """
        cdef Paths *row = self.paths + source
        cdef int32_t *queue
        cdef int32_t head = 0, count, place
        if row.via != NULL:
            return True
        row.via = <int32_t *> calloc(4 * self.places, sizeof(int32_t))
        if row.via == NULL:
            self.out_of_memory = True
            return False
        row.before, row.length = row.via + self.places, row.via + 2 * self.places
        queue = row.via + 3 * self.places
        count = self._reach(row, source, 1, queue, 0)
        while head < count and row.length[queue[head]] < LONGEST_PATH:
            place = queue[head]
            head += 1
            if place != source:
                count = self._reach(row, place, row.length[place] + 1, queue, count)
        return True

    cdef int32_t _reach(
        self, Paths *row, int32_t place, int32_t length, int32_t *queue, int32_t count
    ) noexcept nogil:
        """Add the places that one silent step from `place` is the first to reach."""
        cdef int32_t i, j, t, target
        for i in range(self.silent_first[place], self.silent_first[place + 1]):
            t = self.silent[i]
            for j in range(self.outputs.first[t], self.outputs.first[t + 1]):
                target = self.outputs.place[j]
                if row.length[target]:
                    continue
                row.length[target], row.via[target], row.before[target] = length, t, place
                queue[count] = target
                count += 1
        return count


cdef void *zeros(int64_t count, size_t size) except NULL:
    cdef void *memory = calloc(max(count, <int64_t> 1), size)
    if memory == NULL:
        raise MemoryError
    return memory


cdef int resize(void **memory, int64_t old, int64_t new, size_t size) noexcept nogil:
    """Make room for `new` items, the added ones zero; -1 where there is no memory."""
    cdef void *larger = realloc(memory[0], max(new, <int64_t> 1) * size)
    if larger == NULL:
        return -1
    memory[0] = larger
    if new > old:
        memset(<char *> larger + old * size, 0, (new - old) * size)
    return 0


cdef int32_t *_ints(list values) except NULL:
    cdef int32_t *memory = <int32_t *> zeros(len(values), sizeof(int32_t))
    for i, value in enumerate(values):
        memory[i] = value
    return memory


cdef list _starts(list groups):
    starts, total = [0], 0
    for group in groups:
        total += len(group)
        starts.append(total)
    return starts


cdef _bag(Bag *bag, list arcs):
    bag.first = _ints(_starts(arcs))
    bag.place = _ints([place for group in arcs for place, _ in group])
    bag.weight = _ints([weight for group in arcs for _, weight in group])
