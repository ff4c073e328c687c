"""A second opinion on who is on call: it walks through minutes, knows only `zoneinfo`, and shares no code."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE, DAY = 60, 86_400


@cache
def wall_clock(zone: ZoneInfo, t: int) -> datetime:
    return datetime.fromtimestamp(t, zone)


@dataclass
class PlainLayer:
    people: list[str]
    start: datetime | None = None
    #: A length of wall time, or a number of open days.
    length: timedelta | int | None = None
    #: Minutes of the day from and to, by weekday; an end may lie after midnight. None is always.
    hours: dict[int, list[tuple[int, int]]] | None = None


@dataclass
class PlainRota:
    zone: ZoneInfo
    layers: list[PlainLayer]
    overrides: list[tuple[str, int, int]] = field(default_factory=list)
    absences: list[tuple[str, int, int, str | None]] = field(default_factory=list)
    #: People who left: overrides and absences may name them.
    gone: frozenset[str] = frozenset()

    def instant(self, wall: datetime) -> int:
        return int(wall.replace(tzinfo=self.zone, fold=0).timestamp())

    def walk(self, first: int, minutes: int) -> list[str | None]:
        """Return who is on call in each minute."""
        turns = [self._turns(layer, first, minutes) for layer in self.layers]
        return [self._person(first + minute * MINUTE, [turn[minute] for turn in turns]) for minute in range(minutes)]

    def _turns(self, layer: PlainLayer, first: int, minutes: int) -> list[int | None]:
        left = sorted(self._handovers(layer, first + minutes * MINUTE), reverse=True)
        turn, found = -1 if layer.start is not None else 0, list[int | None]()
        for t in range(first, first + minutes * MINUTE, MINUTE):
            while left and left[-1] <= t:
                turn += 1
                left.pop()
            is_on = turn >= 0 and (layer.hours is None or self._is_open(layer.hours, t))
            found.append(turn % len(layer.people) if is_on else None)
        return found

    def _handovers(self, layer: PlainLayer, until: int) -> list[int]:
        if layer.start is None or layer.length is None:
            return [] if layer.start is None else [self.instant(layer.start)]
        begin = self.instant(layer.start)
        if isinstance(layer.length, timedelta):
            last = datetime.fromtimestamp(until, self.zone).replace(tzinfo=None) + timedelta(days=1)
            count = max(0, (last - layer.start) // layer.length) + 1
            walls = [layer.start + layer.length * number for number in range(count)]
            return [t for t in map(self.instant, walls) if t <= until]
        assert layer.hours is not None
        t = begin
        while t < until and not self._is_open(layer.hours, t):
            t += MINUTE
        # A rotation that begins outside the hours keeps its first person for the whole of the next open day.
        opened, closed = None, 0
        if t > begin:
            opened = self._opened_on(layer.hours, t)
            near = range(t, t + 3 * DAY, MINUTE)
            closed = max(at for at in near if self._opened_on(layer.hours, at) == opened) + MINUTE
        possible: list[int] = []
        for day in (layer.start.date() + timedelta(days=number) for number in range(200)):
            at = self.instant(datetime.combine(day, layer.start.time()))
            if at > begin and self._is_open_day(layer.hours, day) and not (day == opened and at < closed):
                possible.append(at)
        return [begin, *(at for at in possible[layer.length - 1 :: layer.length] if at <= until)]

    def _is_open_day(self, hours: dict[int, list[tuple[int, int]]], day: date) -> bool:
        begin = int(datetime.combine(day, time(), UTC).timestamp()) - DAY
        return any(self._opened_on(hours, t) == day for t in range(begin, begin + 4 * DAY, 30 * MINUTE))

    def _is_open(self, hours: dict[int, list[tuple[int, int]]], t: int) -> bool:
        return self._opened_on(hours, t) is not None

    def _opened_on(self, hours: dict[int, list[tuple[int, int]]], t: int) -> date | None:
        wall = wall_clock(self.zone, t)
        minute = wall.hour * 60 + wall.minute
        for back in (0, 1):
            day = wall.date() - timedelta(days=back)
            for start, end in hours.get(day.weekday(), []):
                if start <= minute + back * 1440 < end:
                    return day
        return None

    def _away(self, person: str, t: int) -> tuple[bool, str | None]:
        for who, start, end, substitute in reversed(self.absences):
            if who == person and start <= t < end:
                return True, substitute
        return False, None

    def _stand_in(self, person: str, t: int, steps: int = 5) -> str | None:
        is_away, substitute = self._away(person, t)
        if not is_away:
            return person if person not in self.gone else None
        return self._stand_in(substitute, t, steps - 1) if substitute is not None and steps else None

    def _person(self, t: int, turns: list[int | None]) -> str | None:
        for person, start, end in reversed(self.overrides):
            if start <= t < end:
                found = self._stand_in(person, t)
                if found is not None:
                    return found
                break
        for layer, turn in zip(self.layers, turns, strict=True):
            if turn is None:
                continue
            found = self._stand_in(layer.people[turn], t)
            if found is not None:
                return found
            for person in layer.people[turn + 1 :] + layer.people[:turn]:
                if not self._away(person, t)[0]:
                    return person
        return None
