"""The content of a mapping file becomes a `CrmMapping`; what cannot be is an error with its line and key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from dealtrace_engine.errors import MappingError, SchemaError
from dealtrace_engine.local_time import LocalTime
from dealtrace_engine.schema import nearest
from dealtrace_engine.sources.crm.custom import custom_rules, with_custom
from dealtrace_engine.sources.crm.events import SEQUENCE
from dealtrace_engine.sources.crm.mapping import DATES, FLATTEN, LEADING, CrmMapping, default_statuses
from dealtrace_engine.sources.crm.mapping_ends import MOVABLE, PARTS, looks_canonical
from dealtrace_engine.sources.crm.system import NAMES, CrmSystem, crm_system
from dealtrace_engine.sources.labels import LANGUAGES, activity_ids
from dealtrace_engine.toml_files import Path_

FORMAT = 1
CHOICES = {"leading": LEADING, "flatten": FLATTEN, "language": LANGUAGES, "system": NAMES}
RESERVED = ("case_id", "activity", "timestamp", "order", "resource")
"""Names of the log's own columns, which no attribute can have."""
KEYS = {
    (): ("format", "system", "cases", "time", "activities", "stages", "statuses", "ladders", "fields",
         "tables", "labels", "headers", "ends"),
    ("cases",): ("leading", "flatten", "every_contact", "link_by_account", "migrated_share"),
    ("time",): ("zone", "dates"),
    ("activities",): ("language", "stage"),
    ("stages",): ("order", "aliases"),
}  # fmt: skip
"""Tables whose keys are fixed, with these."""


@dataclass(frozen=True)
class Checked:
    """What a mapping file says, on its way to a `CrmMapping`.

    Attributes
    ----------
    content : mapping of str to object
    file : path or None
    lines : mapping of tuple of str to int
        Where each key is.
    system : CrmSystem or None
        Whose rules ladders are of; None for that which the file names.
    """

    content: Mapping[str, Any]
    file: object
    lines: Mapping[Path_, int]
    system: CrmSystem | None

    def mapping(self) -> CrmMapping:
        """Return the mapping.

        Raises
        ------
        MappingError
            A key is not known, or has a value that cannot be.
        """
        for path, known in KEYS.items():
            for key in self._table(*path):
                if key not in known:
                    self._fail((*path, key), "is not known", nearest(known, key, "keys"))
        self._check_format()
        found = CrmMapping(
            **self._cases(), **self._named(), stage_order=tuple(self._texts("stages", "order")),
            stage_aliases=self._text_table("stages", "aliases"), statuses=self._statuses(),
            ladders=self._ladders(), fields=self._fields(), objects=self._objects(), labels=self._labels(),
            headers=self._text_table("headers"), ends=self._ends(),
        )  # fmt: skip
        self._check_tables(found)
        return found

    def _check_format(self) -> None:
        format_ = self.content.get("format", FORMAT)
        if format_ != FORMAT:
            self._fail(("format",), f"is {format_!r}, this version reads {FORMAT}", "update dealtrace")
        if "system" in self.content:
            name = self._text("system")
            if self.system is not None and name != self.system.name:
                self._fail(("system",), f"is {name!r}, but the export is of {self.system.name}")

    def _cases(self) -> dict[str, Any]:
        """Return what is said of the case, as far as it is."""
        found: dict[str, Any] = {
            key: self._text("cases", key) for key in ("leading", "flatten") if self._has("cases", key)
        }
        for key in ("every_contact", "link_by_account"):
            if self._has("cases", key):
                found[key] = self._value(bool, "true or false", "cases", key)
        if self._has("cases", "migrated_share"):
            share = self._value((int, float), "a number", "cases", "migrated_share")
            if isinstance(share, bool) or not 0 < share <= 1:
                self._fail(("cases", "migrated_share"), f"is {share!r}, not above 0 and up to 1")
            found["migrated_share"] = float(share)
        return found

    def _named(self) -> dict[str, Any]:
        found = {}
        if self._has("time", "zone"):
            found["zone"] = self._text("time", "zone")
            try:
                LocalTime(found["zone"])
            except SchemaError as error:
                self._fail(("time", "zone"), f"is {found['zone']!r}: {error.what}", error.hint)
        if self._has("time", "dates"):
            found["dates"] = self._text("time", "dates")
            if found["dates"] not in ("", *DATES):
                self._fail(("time", "dates"), f"is {found['dates']!r}", f"there are {', '.join(DATES)}")
        if self._has("activities", "language"):
            found["language"] = self._text("activities", "language")
        if self._has("activities", "stage"):
            found["stage_activity"] = self._text("activities", "stage")
            if found["stage_activity"] and "<to>" not in found["stage_activity"]:
                self._fail(("activities", "stage"), "does not say <to>, the stage", 'such as "Stage: <to>"')
        return found

    def _statuses(self) -> dict[str, list[str]]:
        known = list(default_statuses())
        found = {}
        for path in self._leaves("statuses"):
            key = ".".join(path[1:])
            if key not in known:
                self._fail(path, "is no status", nearest(known, key, "statuses"))
            found[key] = self._texts(*path)
        return found

    def _ladders(self) -> dict[str, list[str]]:
        found = {}
        system = self.system or (crm_system(self.content["system"]) if "system" in self.content else None)
        own = set(self._table("tables"))
        for activity in self._table("ladders"):
            path = ("ladders", activity)
            if activity not in SEQUENCE:
                self._fail(path, "is no activity", nearest(SEQUENCE, activity, "activities"))
            found[activity] = self._texts(*path)
            known = [] if system is None else [r.id for r in system.rules if r.activity == activity]
            for rule in found[activity]:
                if system is not None and rule not in known and rule not in own:
                    self._fail(
                        path, f"names {rule!r}, which is no rule", f"rules: {', '.join(known) or 'none'}"
                    )
        return found

    def _fields(self) -> dict[str, str]:
        found = {".".join(path[1:]): self._text(*path) for path in self._leaves("fields")}
        for field, name in found.items():
            path = ("fields", field)
            if name in RESERVED or not name:
                self._fail(path, f"cannot be called {name!r}", "the log itself has such a column")
            if list(found.values()).count(name) > 1:
                self._fail(path, f"is not the only one called {name!r}")
        return found

    def _objects(self) -> dict[str, dict[str, str]]:
        return {name: self._text_table("tables", name) for name in self._table("tables")}

    def _labels(self) -> dict[str, str]:
        found = self._text_table("labels")
        for label, activity in found.items():
            if activity not in activity_ids():
                self._fail(("labels", label), f"means {activity!r}, which is no activity",
                           nearest(activity_ids(), activity, "activities"))  # fmt: skip
        return found

    def _ends(self) -> dict[str, dict[str, Any]]:
        known, found = {name.casefold(): name for name in MOVABLE}, dict[str, dict[str, Any]]()
        for path in self._moved("ends"):
            given = ".".join(path[1:])
            name = known.get(given.casefold())
            if name is None:
                self._fail(path, "is no time whose ends can be moved", nearest(MOVABLE, given, "times"))
            if name in found:
                self._fail(path, f"is not the only one for {name}")
            for key in self._table(*path):
                if key not in PARTS:
                    self._fail((*path, key), "is not known", nearest(PARTS, key, "keys"))
            found[name] = {key: self._end(*path, key) for key in self._table(*path)}
            if not found[name]:
                self._fail(path, "moves nothing", 'write from = "..." or to = "..."')
        return found

    def _moved(self, *path: str) -> Iterator[Path_]:
        """Yield the paths of the tables below: ``[ends.K1.s]`` is as good as ``[ends."K1.s"]``."""
        for key, value in self._table(*path).items():
            if not isinstance(value, Mapping):
                self._fail((*path, key), "is no table", 'write { from = "...", to = "..." }')
            if value and all(isinstance(own, Mapping) for own in value.values()):
                yield from self._moved(*path, key)
            else:
                yield (*path, key)

    def _end(self, *path: str) -> bool | list[str]:
        if path[-1] == "last":
            return bool(self._value(bool, "true or false", *path))
        value = self._table(*path[:-1])[path[-1]]
        names = [value] if isinstance(value, str) else self._texts(*path)
        if not names or not all(names):
            self._fail(path, "names no activity")
        for name in names:
            if looks_canonical(name) and name not in activity_ids():
                self._fail(path, f"names {name!r}, which is no activity",
                           nearest(activity_ids(), name, "activities"))  # fmt: skip
        return names

    def _check_tables(self, mapping: CrmMapping) -> None:
        for name, meanings in mapping.objects.items():
            try:
                custom_rules(CrmMapping(objects={name: meanings}))
            except MappingError as error:
                self._fail(("tables", name), error.what, error.hint)
        for field in mapping.fields:
            try:
                with_custom({}, CrmMapping(fields={field: ""}))
            except MappingError as error:
                self._fail(("fields", field), error.what, error.hint)

    def _has(self, *path: str) -> bool:
        return path[-1] in self._table(*path[:-1])

    def _table(self, *path: str) -> Mapping[str, Any]:
        found: Any = self.content
        for depth, part in enumerate(path, 1):
            found = found.get(part, {})
            if not isinstance(found, Mapping):
                self._fail(path[:depth], "is no table", f"write [{'.'.join(path[:depth])}]")
        return found  # type: ignore[no-any-return]

    def _leaves(self, *path: str) -> Iterator[Path_]:
        """Yield the paths of all values below a table: ``a.b = 1`` is as good as ``"a.b" = 1``."""
        for key, value in self._table(*path).items():
            if isinstance(value, Mapping):
                yield from self._leaves(*path, key)
            else:
                yield (*path, key)

    def _value(self, kind: type | tuple[type, ...], what: str, *path: str) -> Any:
        value = self._table(*path[:-1])[path[-1]]
        if not isinstance(value, kind):
            self._fail(path, f"is {value!r}, not {what}")
        return value

    def _text(self, *path: str) -> str:
        value: str = self._value(str, "text", *path)
        choices = CHOICES.get(path[-1], ()) if len(path) < 2 or path[0] in ("cases", "activities") else ()
        if choices and value not in choices:
            self._fail(path, f"is {value!r}", nearest(choices, value, "choices"))
        return value

    def _texts(self, *path: str) -> list[str]:
        if not self._has(*path):
            return []
        values = self._value(Sequence, "a list of texts", *path)
        if isinstance(values, str) or not all(isinstance(value, str) for value in values):
            self._fail(path, f"is {values!r}, not a list of texts", 'write ["...", "..."]')
        return list(values)

    def _text_table(self, *path: str) -> dict[str, str]:
        return {key: self._text(*path, key) for key in self._table(*path)}

    def _fail(self, path: Path_, what: str, hint: str | None = None) -> NoReturn:
        where = next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), None)
        section = f" in [{'.'.join(path[:-1])}]" if len(path) > 1 else ""
        raise MappingError(f"{path[-1]!r}{section} {what}", file=self.file, line=where, hint=hint)
