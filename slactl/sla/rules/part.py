"""Define the base of the tables of `rules.toml`, and what annotations say to pydantic.

These are plain classes: a command that reads compiled rules imports no pydantic. `loading` has pydantic validate a file
by the annotations of the tables.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform, get_type_hints

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

#: The keys that are not named as the attribute that has their value.
KEYS = {
    **{"schema_": "schema", "for_": "for", "from_": "from", "not_": "not"},
    **{"policies": "policy", "escalations": "escalation", "sources": "source", "levels": "level", "layers": "layer"},
    **{"objectives": "objective"},
}

_REQUIRED: Any = object()


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Part:
    """The base of every table of the rules: a value that never changes.

    It makes a class in a tenth of the time that `dataclasses` takes, which every start of a command would pay.
    """

    #: Each attribute and its default; and what pydantic validates the table by, once that was needed.
    _defaults: ClassVar[Mapping[str, Any]] = {}
    _schema: ClassVar[Any] = None

    def __init_subclass__(cls) -> None:
        found: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            named = getattr(base, "__annotations__", {}) if base is not Part else {}
            found |= {name: base.__dict__.get(name, _REQUIRED) for name in named}
        cls._defaults, cls._schema = found, None

    def __init__(self, **values: Any) -> None:  # noqa: ANN401  (each attribute has a type)
        if not values.keys() <= self._defaults.keys():
            raise TypeError(f"{type(self).__name__} has no {', '.join(values.keys() - self._defaults.keys())}")
        self.__dict__.update(self._defaults)
        self.__dict__.update(values)
        if any(self.__dict__[name] is _REQUIRED for name in self._defaults):
            raise TypeError(f"{type(self).__name__} lacks an attribute")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} never changes")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and type(self) is type(other) and self.attributes() == other.attributes()

    def __hash__(self) -> int:
        return hash(tuple(self.attributes().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.attributes().items())})"

    def attributes(self) -> dict[str, Any]:
        """Return the value of each attribute."""
        return {name: self.__dict__[name] for name in self._defaults}

    def given(self) -> dict[str, Any]:
        """Return the values that are not the default, by attribute."""
        return {name: value for name, value in self.attributes().items() if value != self._defaults[name]}

    def replaced(self, **changes: Any) -> Self:  # noqa: ANN401  (each attribute has a type)
        """Return a copy with some other values."""
        return type(self)(**{**self.attributes(), **changes})

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the attributes."""
        return list(cls._defaults)

    @classmethod
    def file_keys(cls) -> list[str]:
        """Return the keys that the table may have in a file."""
        return [KEYS.get(name, name) for name in cls._defaults]

    @classmethod
    def completed(cls, data: object) -> object:
        """Return the data of a table with the values that follow from other keys of it."""
        return data

    def check(self) -> None:
        """Check what must hold between the keys of the table.

        Raises:
            ValueError: it does not hold.
        """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        """Say how pydantic validates a table: it refuses unknown keys and loose types."""
        if cls._schema is None:
            from pydantic_core import core_schema

            hints = get_type_hints(cls, include_extras=True)
            fields = {
                KEYS.get(name, name): core_schema.typed_dict_field(
                    handler.generate_schema(hints[name]), required=default is _REQUIRED
                )
                for name, default in cls._defaults.items()
            }
            table = core_schema.typed_dict_schema(fields, extra_behavior="forbid", config={"strict": True})
            made = core_schema.no_info_after_validator_function(cls._made, table)
            filled = core_schema.no_info_before_validator_function(cls.completed, made)
            cls._schema = core_schema.no_info_wrap_validator_function(
                lambda value, validate: value if isinstance(value, cls) else validate(value), filled
            )
        schema: CoreSchema = cls._schema
        return schema

    @classmethod
    def _made(cls, table: Mapping[str, Any]) -> Self:
        made = cls(**{name: table[key] for name in cls._defaults if (key := KEYS.get(name, name)) in table})
        made.check()
        return made


class Form:
    """Say in an annotation what pydantic checks in a value: it converts it, limits its size, and checks the result.

    `only` takes the place of every check of the type itself; `before` and `after` raise ValueError. A function whose
    `in_context` is true gets pydantic's information too.
    """

    def __init__(
        self,
        *,
        only: Callable[..., object] | None = None,
        before: Callable[[Any], object] | None = None,
        after: Callable[[Any], object] | None = None,
        size: tuple[int | None, int | None] | None = None,
        between: tuple[int, int] | None = None,
        in_context: bool = False,
    ) -> None:
        self.only, self.before, self.after = only, before, after
        self.size, self.between, self.in_context = size, between, in_context

    def __get_pydantic_core_schema__(self, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        if self.only is not None and self.in_context:
            return core_schema.with_info_plain_validator_function(self.only)
        if self.only is not None:
            return core_schema.no_info_plain_validator_function(self.only)
        schema = handler(source)
        if self.size is not None:
            schema = _limited(schema, {"min_length": self.size[0], "max_length": self.size[1]})
        if self.between is not None:
            schema = _limited(schema, {"ge": self.between[0], "le": self.between[1]})
        if self.before is not None:
            schema = core_schema.no_info_before_validator_function(self.before, schema)
        if self.after is not None:
            schema = core_schema.no_info_after_validator_function(self.after, schema)
        return schema


def must(accepts: Callable[[Any], bool], why: str) -> Form:
    """Return the validator of a value that a function has to accept; `why` is what the error says otherwise."""

    def check(value: object) -> object:
        if not accepts(value):
            raise ValueError(why)
        return value

    return Form(after=check)


def _limited(schema: Any, limits: Mapping[str, int | None]) -> Any:  # noqa: ANN401  (a schema of any kind)
    """Return a schema whose innermost value has limits."""
    if schema["type"].startswith("function-"):
        return {**schema, "schema": _limited(schema["schema"], limits)}
    return {**schema, **{name: limit for name, limit in limits.items() if limit is not None}}
