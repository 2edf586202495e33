"""Further members of a bound model: later steps of its chains, and rows of plates that have no latents."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qemppl.data.backend import Positions
from qemppl.data.bound import BoundModel, Members
from qemppl.data.chain_steps import columns_of, selected
from qemppl.data.columns import list_levels
from qemppl.data.evaluate import Evaluator
from qemppl.data.report import counted, quoted
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.ir.model import (
    DataRef,
    EventDim,
    Expr,
    Lag,
    ModelIR,
    Plate,
    PlateReduce,
    RandomVariable,
    Statement,
    children,
    walk,
)

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Extension:
    """A model with further members.

    bound: of the plates that grow it has the new members, and of each chain that goes on the last old one in front of them.
    added: the new members alone, with the members around them. fresh: by plate that grows, the positions of its new members in `bound`, in
    the order of `added`. last: by chain, the positions of the old members in `bound`, and in the old model.
    """

    bound: BoundModel
    added: BoundModel
    fresh: Mapping[str, Positions]
    last: Mapping[str, tuple[Positions, Positions]]

    @property
    def statements(self) -> tuple[Statement, ...]:
        """What has values for the new members."""
        return tuple(s for s in self.bound.ir.statements if s.type.plate in self.fresh)


def growing(ir: ModelIR) -> tuple[str, ...]:
    """The plates that may have further members: chains, plates with no latent on them or below them, and all that is inside these."""
    tops = {p.name for p in ir.plates if p.is_chain or not any(ir.is_within(v.plate, p.name) for v in ir.latents)}
    return tuple(plate.name for plate in ir.plates if tops.intersection(ir.path(plate.name)))


def rows_model(old: BoundModel, given: Collection[str] | None = None) -> ModelIR:
    """What the data of further members are checked against: the plates that grow, with values that may be missing, and of those around them
    as many as it takes to tell where they belong: these are known by their labels, which no two members share.

    given: names that the data have, where they are known already; plates of which they say nothing are left out, as are all others.
    """
    ir = old.ir
    grown = growing(ir)
    data = [v for v in ir.data if v.type.plate in grown and (given is None or v.name in given)]
    homes = {p.name for p in ir.plates if p.name in grown and (given is None or {p.name, p.index} & {*given})}
    homes |= {v.type.plate for v in data if v.type.plate is not None}
    kept = {name for home in homes for name in _told(ir, home)}
    spans = {d.name: d.span for d in ir.dims} | {v.name: v.span for v in ir.data}
    return replace(
        ir,
        plates=tuple(_shown(plate, kept) for plate in ir.plates if plate.name in kept),
        dims=tuple(EventDim(name, size, spans[name]) for name, size in old.sizes.items()),
        data=tuple(replace(v, missing=not v.is_index) for v in data),
        transformed=(),
        statements=(),
        generated=(),
    )


def _told(ir: ModelIR, plate: str) -> tuple[str, ...]:
    """A plate and those around it that its columns in a data file tell."""
    around = [name for name in ir.path(plate) if name not in growing(ir)]
    top = list_levels(ir, around[-1])[0] if around else None
    path = ir.path(plate)
    if around and ir.plate(path[len(around)]).index is not None:
        top = around[-1]
    return path[path.index(top) :] if top is not None else path


def _shown(plate: Plate, kept: Collection[str]) -> Plate:
    """A plate of as many members as its data have; a root where none around it is kept."""
    is_inside = plate.parent in kept
    return replace(
        plate, size=None, parent=plate.parent if is_inside else None, index=plate.index if is_inside else None
    )


def next_steps(old: BoundModel, count: int) -> BoundModel:
    """So many further steps of every chain, of which nothing is known. Raises DiagnosticsError (USAGE) where nothing goes on by itself."""
    ir = old.ir
    chains = [p for p in ir.plates if p.is_chain and not any(ir.plate(above).is_chain for above in ir.path(p.parent))]
    inside = [p for p in ir.plates if p not in chains and any(ir.is_within(p.name, chain.name) for chain in chains)]
    if inside or not chains:
        raise DiagnosticsError([_no_steps(ir, inside[0].name if inside else None)], Stage.USAGE)
    members = dict(old.members)
    for chain in chains:
        parents = None if chain.parent is None else np.repeat(np.arange(old.count(chain.parent)), count)
        size = count if parents is None else len(parents)
        members[chain.name] = Members(size, parents, ("",) * size, np.arange(size))
    kept = {name for chain in chains for name in ir.path(chain.name)}
    plates = tuple(plate for plate in ir.plates if plate.name in kept)
    return BoundModel(replace(ir, plates=plates, data=()), old.sizes, members, {}, old.data_hash)


def extend(old: BoundModel, new: BoundModel) -> Extension:
    """Puts further members, bound by themselves, behind those of a model. Members of other plates are matched by their labels.

    Raises DiagnosticsError (DATA) for groups that the model does not have, for steps that it has already, and where the model computes
    with data that are not known for the new members.
    """
    joined = _Joined(old, new)
    extension = joined.selection(joined.with_new_members())
    unknown = [*_unknown(extension)]
    if unknown:
        raise DiagnosticsError(unknown, Stage.DATA)
    return extension


@dataclass
class _Joined:
    """Old and new members together. matched: by plate that does not grow, the old position of each new member. at_old, at_new: by plate
    that grows, where old and new members stand now."""

    old: BoundModel
    new: BoundModel
    matched: dict[str, Positions] = field(default_factory=dict)
    at_old: dict[str, Positions] = field(default_factory=dict)
    at_new: dict[str, Positions] = field(default_factory=dict)

    def with_new_members(self) -> BoundModel:
        """The old model with all members."""
        ir, grown = self.old.ir, growing(self.old.ir)
        members, arrays = dict(self.old.members), dict(self.old.arrays)
        for plate in sorted(self.new.ir.plates, key=lambda p: len(ir.path(p.name))):
            if plate.name not in grown:
                self.matched[plate.name] = self._match(plate.name)
                continue
            members[plate.name] = self._append(plate.name, members)
            for variable in ir.data:
                if variable.type.plate == plate.name and variable.name in arrays:
                    arrays[variable.name] = self._column(variable.name, plate.name)
        bound = replace(self.old, members=members, arrays=arrays)
        return replace(bound, arrays={**arrays, **self._transformed(bound)})

    # Members.

    def _parents(self, plate: str) -> tuple[Positions, Positions] | None:
        """Of the old members of a plate and of the new ones, as the joined model counts them."""
        parent = self.old.ir.plate(plate).parent
        old, new = self.old.members[plate].parent, self.new.members[plate].parent
        if parent is None or old is None or new is None:
            return None
        if parent in self.matched:
            return old, self.matched[parent][new]
        return self.at_old[parent][old], self.at_new[parent][new]

    def _match(self, plate: str) -> Positions:
        old, new = self.old.members[plate], self.new.members[plate]
        if new.parent is None and not new.labelled:  # numbers count as in the file
            by_number = {int(row): i for i, row in enumerate(old.rows)}
            found = [by_number.get(int(row)) for row in new.rows]
        else:
            by_label = {label: i for i, label in enumerate(old.labels)}
            found = [by_label.get(label) for label in new.labels]
        strangers = [label for label, at in zip(new.labels, found, strict=True) if at is None]
        if strangers:
            raise DiagnosticsError([_new_group(self.old.ir, plate, strangers)], Stage.DATA)
        return np.array(found, np.int64)

    def _append(self, plate: str, members: Mapping[str, Members]) -> Members:
        """The members of a plate that grows; under each parent the old ones first."""
        old, new, ir = self.old.members[plate], self.new.members[plate], self.old.ir
        parents = self._parents(plate)
        repeated = sorted({*old.labels}.intersection(new.labels)) if old.labelled and new.labelled else []
        if repeated and ir.plate(plate).is_chain:
            raise DiagnosticsError([_old_step(ir, plate, repeated)], Stage.DATA)
        together = np.concatenate(parents) if parents else np.zeros(old.size + new.size, np.int64)
        order = np.argsort(together, kind="stable")
        where = np.empty_like(order)
        where[order] = np.arange(len(order))
        self.at_old[plate], self.at_new[plate] = where[: old.size], where[old.size :]
        labels = (*old.labels, *(new.labels if new.labelled else self._labels(plate, members, parents)))
        return Members(
            len(order),
            together[order] if parents else None,
            tuple(labels[i] for i in order),
            np.arange(len(order)),
            old.labelled or new.labelled,
        )

    def _labels(
        self, plate: str, members: Mapping[str, Members], parents: tuple[Positions, Positions] | None
    ) -> Iterator[str]:
        """Of new members that have none: the numbers after those of the old ones, or, of a chain whose old steps have labels or are counted
        across all chains, `+1`, `+2`."""
        node, old, new = self.old.ir.plate(plate), self.old.members[plate], self.new.members[plate]
        parent = np.zeros(new.size, np.int64) if parents is None else parents[1]
        taken = np.bincount(
            np.zeros(old.size, np.int64) if parents is None else parents[0], minlength=parent.max(initial=0) + 1
        )
        is_counted = not old.labelled and node.index is None
        if not is_counted and not node.is_chain:
            yield from new.labels
            return
        seen = np.zeros_like(taken)
        for i in parent.tolist():
            seen[i] += 1
            own = str(taken[i] + seen[i]) if is_counted else f"+{seen[i]}"
            yield own if node.parent is None else f"{members[node.parent].labels[i]},{own}"

    # Data.

    def _column(self, name: str, plate: str) -> Numbers:
        """A data variable for all members: missing where the new data do not have it."""
        old = self.old.arrays[name]
        missing = np.full((self.new.count(plate), *old.shape[1:]), np.nan)
        return self._together(plate, old, self.new.arrays.get(name, missing))

    def _together(self, plate: str, old: Numbers, new: Numbers) -> Numbers:
        both = np.empty((len(old) + len(new), *old.shape[1:]), np.result_type(old, new))
        both[self.at_old[plate]], both[self.at_new[plate]] = old, new
        return both

    def _transformed(self, bound: BoundModel) -> dict[str, Numbers]:
        """Transformed data for all members. What is computed over members of a plate that grows stays unknown for the new ones."""
        arrays = dict(bound.arrays)
        for definition in bound.ir.transformed:
            plate, old = definition.type.plate, self.old.arrays.get(definition.name)
            if plate not in self.at_new or old is None:
                continue
            new: Numbers = np.full((len(self.at_new[plate]), *old.shape[1:]), np.nan)
            if not _reduces(definition.value, self.at_new):
                value = Evaluator(replace(bound, arrays=arrays)).evaluate(definition.value)
                assert value is not None, "transformed data depend on data"
                new = np.broadcast_to(value, (bound.count(plate), *old.shape[1:]))[self.at_new[plate]]
            arrays[definition.name] = self._together(plate, old, new)
        return arrays

    # What is needed of it.

    def selection(self, bound: BoundModel) -> Extension:
        """The new members, and the step before each chain's first new one."""
        ir, kept = bound.ir, dict[str, Positions]()
        last: dict[str, tuple[Positions, Positions]] = {}
        members, arrays = dict(bound.members), dict(bound.arrays)
        for plate in sorted(self.at_new, key=lambda name: len(ir.path(name))):
            parent = ir.plate(plate).parent
            goes_on = ir.plate(plate).is_chain and parent not in kept
            before = self._last(bound, plate) if goes_on else np.zeros(0, np.int64)
            keep = np.sort(np.concatenate([before, self.at_new[plate]]))
            expressions = [e for s in ir.statements if ir.is_within(s.plate, plate) for e in s.expressions]
            arrays |= {name: x[keep] for name, x in columns_of(bound, plate, expressions).items()}
            some = selected(bound.members[plate], keep)
            if parent in kept and some.parent is not None:
                some = replace(some, parent=np.searchsorted(kept[parent], some.parent))
            kept[plate], members[plate] = keep, some
            if len(before):
                last[plate] = np.searchsorted(keep, before), np.searchsorted(self.at_old[plate], before)
        fresh = {plate: np.searchsorted(kept[plate], positions) for plate, positions in self.at_new.items()}
        bound = replace(bound, members=members, arrays=arrays)
        return Extension(bound, self._added(bound, fresh), fresh, last)

    def _added(self, bound: BoundModel, fresh: Mapping[str, Positions]) -> BoundModel:
        members = dict(self.old.members)
        for plate, positions in fresh.items():
            new, some = self.new.members[plate], selected(bound.members[plate], positions)
            parent = new.parent if bound.ir.plate(plate).parent in fresh else some.parent
            members[plate] = replace(some, parent=parent, rows=new.rows)
        kept = {name for plate in fresh for name in self.old.ir.path(plate)}
        plates = tuple(plate for plate in self.old.ir.plates if plate.name in kept)
        return replace(self.old, ir=replace(self.old.ir, plates=plates), members=members)

    def _last(self, bound: BoundModel, chain: str) -> Positions:
        """The old members that a new one follows."""
        is_new = np.zeros(bound.count(chain), np.bool_)
        is_new[self.at_new[chain]] = True
        parent = bound.members[chain].parent
        follows = ~is_new[:-1] & is_new[1:] & (True if parent is None else parent[:-1] == parent[1:])
        return np.flatnonzero(follows)


def _reduces(expr: Expr, plates: Collection[str]) -> bool:
    return any(isinstance(node, PlateReduce) and node.over in plates for node in walk(expr))


# What cannot be predicted.


def _unknown(extension: Extension) -> Iterator[Diagnostic]:
    """The data that the model computes with and that are not known for the new members: each name once."""
    bound, told = extension.bound, set[str]()
    for statement in extension.statements:
        is_censored = isinstance(statement, RandomVariable) and statement.censoring is not None
        expressions = [*statement.expressions][: -1 if is_censored else None]
        pending = [*expressions]
        while pending:
            node = pending.pop()
            name = node.name if isinstance(node, DataRef) else node.span.text if isinstance(node, Lag) else None
            if name is None:
                pending += children(node)
            elif name not in told and _is_missing(extension, name, node.type.plate):
                told.add(name)
                yield _not_known(bound.ir, node, name)


def _is_missing(extension: Extension, name: str, plate: str | None) -> bool:
    """Whether a column has no value for some new member."""
    if plate is None or plate not in extension.fresh:
        return False
    return bool(np.isnan(extension.bound.arrays[name][extension.fresh[plate]]).any())


def _not_known(ir: ModelIR, node: Expr, name: str) -> Diagnostic:
    outcomes = {variable.name for variable in ir.observations}
    definition = next((d for d in ir.transformed if d.name == name), None)
    inside = [
        n.name for e in (node, *([definition.value] if definition else [])) for n in walk(e) if isinstance(n, DataRef)
    ]
    if definition is not None and any(isinstance(n, PlateReduce) for n in walk(definition.value)):
        hint = "compute what stands for all members outside of the plate, such as `real m = mean(x over t);`"
    elif outcomes.intersection(inside):
        hint = "the model computes with an outcome, which is not known later: predict no more steps than the first `lag` reaches"
    else:
        hint = "predict from new data that have it"
    plate = node.type.plate
    return Diagnostic(
        "QEM760", Severity.ERROR, f"`{name}` is not known for the new members of `{plate}`", node.span, hint=hint
    )


def _some(labels: Sequence[str]) -> str:
    """The first of many labels."""
    return ", ".join(quoted(label) for label in labels[:5]) + (", ..." if len(labels) > 5 else "")


def _new_group(ir: ModelIR, plate: str, labels: list[str]) -> Diagnostic:
    return Diagnostic(
        "QEM761",
        Severity.ERROR,
        f"{counted(len(labels), 'member')} of plate `{plate}` {'is' if len(labels) == 1 else 'are'} not in the fit: {_some(labels)}",
        ir.plate(plate).span,
        notes=("latents live on it, and groups that the fit has not seen cannot be predicted yet",),
        hint="leave the rows out, or fit again with rows of these members whose outcomes are missing",
    )


def _old_step(ir: ModelIR, chain: str, labels: list[str]) -> Diagnostic:
    return Diagnostic(
        "QEM762",
        Severity.ERROR,
        f"the fit has these steps of `{chain}` already: {_some(labels)}",
        ir.plate(chain).span,
        hint="the new data hold what comes after the last step; leave the others out",
    )


def _no_steps(ir: ModelIR, inside: str | None) -> Diagnostic:
    if inside is None:
        message, span = "the model has no chain, so no steps follow", None
        hint = "give new data, or leave out --steps (steps=) for predictions of the outcomes that the fit has seen"
    else:
        message, span = (
            f"`{inside}` lies inside a chain: how many members it has at later steps is not known",
            ir.plate(inside).span,
        )
        hint = "give the later steps as new data"
    return Diagnostic("QEM763", Severity.ERROR, message, span, hint=hint)
