"""Problems: one error type, rendered three ways.

Whatever goes wrong is one of three things: the caller can change something
(`Refused`), it may work later (`Unavailable`), or it is our own fault (`Broken`).
Over HTTP a problem is an RFC 9457 document, over gRPC a status with that document
as detail, and in a dead letter or an `image.failed` it is the reason.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.wording import told

#: Problem types are URIs (RFC 9457, 3.1.1); a URN needs no server to exist.
TYPE_PREFIX = "urn:image-studio:problem:"


class Problem(BaseModel):
    """What a person is told: which rule, what happened, what to do."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: str = Field(description="refused | moderated | not_found | … | unavailable | broken")
    rule: str = Field(description="stable dotted name of the rule", examples=["image.max_pixels"])
    says: str = Field(description="what happened, in a sentence")
    fix: str | None = Field(default=None, description="what to do about it")
    status: int = Field(default=500, ge=400, le=599, description="the HTTP status it maps to")
    valid: list[str] = Field(default_factory=list, description="the values that would be accepted")
    remedy: dict[str, Any] | None = Field(
        default=None,
        description="the step that would prevent it, put before this one",
        examples=[{"operation": "edit.resize", "params": {"max_pixels": 1_048_576}}],
    )
    trace_id: str | None = Field(default=None, description="where to look in the traces")

    def as_rfc9457(self, instance: str | None = None) -> dict[str, Any]:
        """The body of an `application/problem+json` answer."""
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.rule,
            "title": self.kind.replace("_", " "),
            "status": self.status,
            "detail": self.says,
            "instance": instance,
            "fix": self.fix,
            "valid": self.valid or None,
            "remedy": self.remedy,
            "trace_id": self.trace_id,
        }
        return {key: value for key, value in body.items() if value is not None}


class StudioError(Exception):
    """A failure that explains itself. Raise one of the subclasses."""

    kind: ClassVar[str] = "broken"
    status: ClassVar[int] = 500

    def __init__(
        self,
        *,
        rule: str,
        says: str,
        fix: str | None = None,
        valid: list[str] | None = None,
        remedy: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(says)
        self.rule, self.says, self.fix, self.valid = rule, says, fix, valid or []
        self.remedy = remedy

    def __str__(self) -> str:
        return self.says

    def as_problem(self, trace_id: str | None = None) -> Problem:
        """The failure as data, fit for an event, a dead letter or an answer."""
        return Problem(
            kind=self.kind,
            rule=self.rule,
            says=self.says,
            fix=self.fix,
            status=self.status,
            valid=self.valid,
            remedy=self.remedy,
            trace_id=trace_id,
        )

    @classmethod
    def from_problem(cls, problem: Problem) -> StudioError:
        """The failure that a problem was rendered from (the other end of a gRPC call)."""
        for kind in _descendants(cls):
            if kind.kind == problem.kind:
                return kind(
                    rule=problem.rule,
                    says=problem.says,
                    fix=problem.fix,
                    valid=problem.valid,
                    remedy=problem.remedy,
                )
        return Broken(rule=problem.rule, says=problem.says, fix=problem.fix)

    def __reduce__(self) -> tuple[Any, ...]:
        """All that it tells survives pickling (failures cross process pools), whatever the
        constructor of its kind asks for."""
        return _rebuilt, (type(self), self.args, dict(self.__dict__))


class Refused(StudioError):
    """The request breaks a rule; the caller can change something. Never retried."""

    kind = "refused"
    status = 422


class NotFound(Refused):
    """There is no such thing, or not in this workspace."""

    kind = "not_found"
    status = 404


class Conflict(Refused):
    """It collides with what already is."""

    kind = "conflict"
    status = 409


class TooLarge(Refused):
    """More bytes or pixels than a stated limit."""

    kind = "too_large"
    status = 413


class NotAnImage(Refused):
    """The bytes cannot be read as a picture that we accept."""

    kind = "not_an_image"
    status = 415


class Unauthorized(Refused):
    """No key, or not a valid one."""

    kind = "unauthorized"
    status = 401


class Moderated(Refused):
    """Somebody's filter stopped it, going in or coming out: other words or pictures may pass."""

    kind = "moderated"


class Unavailable(StudioError):
    """Something that we need is away; the same request may work later."""

    kind = "unavailable"
    status = 503
    counted: ClassVar[bool] = True  # False: waiting for it uses up no attempt

    def __init__(
        self,
        *,
        rule: str,
        says: str,
        fix: str | None = None,
        valid: list[str] | None = None,
        remedy: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(rule=rule, says=says, fix=fix, valid=valid, remedy=remedy)
        self.retry_after = retry_after


class StoreAway(Unavailable):
    """A store or the broker does not answer: no attempt of ours could have gone better, so waiting
    for it uses up none, however long it lasts."""

    counted = False


class Broken(StudioError):
    """Our fault: logged with the trace, told without its insides."""

    kind = "broken"
    status = 500

    @classmethod
    def because(cls, error: BaseException) -> Self:
        """Wrap an unexpected exception; its text stays in the log, not in the answer."""
        return cls(
            rule="studio.internal",
            says=f"An internal error stopped this work ({type(error).__name__}).",
            fix="Retry; if it happens again, report the trace id to the operators.",
        )


def _descendants(kind: type[StudioError]) -> list[type[StudioError]]:
    return [one for child in kind.__subclasses__() for one in (child, *_descendants(child))]


def _rebuilt(kind: type[StudioError], args: tuple[Any, ...], told: dict[str, Any]) -> StudioError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(told)
    return error


def in_words(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """A pydantic error as one readable clause: `steps: must be at most 10, not 12`.

    model: what was validated; with it, unknown names tell near ones, and forms an example.
    """
    return told(error.errors(include_url=False), model)
