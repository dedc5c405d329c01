"""Why the sidecar does not start or stops: one type a cause, each text one line with cause and remedy.

SidecarError
├── InvalidSettingError         a setting is wrong; names its flag and environment variable (exit code 2)
├── InvalidTokenError           a join token is mangled, expired or for another service (2)
├── TokenRefusedError           the control plane refuses the token: used, unknown, or not its own (1)
├── NotJoinedError              neither a stored identity nor a token (2)
├── ForeignStateError           the state folder belongs to another service or another process (2)
├── ControlPlaneUnreachableError    (3)
└── EngineRefusedError          the engine refuses a verb; see `sidecar.engine` (1)
"""

from typing import ClassVar


class SidecarError(Exception):
    """One line for the operator. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class InvalidSettingError(SidecarError):
    """A setting is wrong; the text begins with its flag and environment variable."""

    exit_code = 2


class InvalidTokenError(SidecarError):
    """The join token cannot be used, as can be told without asking the control plane."""

    exit_code = 2


class TokenRefusedError(SidecarError):
    """The control plane does not take the join token."""


class NotJoinedError(SidecarError):
    """There is no stored identity and no token to get one with."""

    exit_code = 2


class ForeignStateError(SidecarError):
    """The state folder is another service's, or in use by another process."""

    exit_code = 2


class ControlPlaneUnreachableError(SidecarError):
    """Nobody answers at the control plane's address."""

    exit_code = 3


class EngineRefusedError(SidecarError):
    """The engine refused a verb; what was in force stays in force."""


class SnapshotRefusedError(EngineRefusedError):
    """A snapshot was refused whole. `resource` is at fault ("cluster:shop/payments"), `detail` says why."""

    def __init__(self, detail: str, resource: str) -> None:
        super().__init__(f"{resource}: {detail}")
        self.detail = detail
        self.resource = resource
