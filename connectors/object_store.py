"""Object stores (az://, s3://, gs://) through fsspec: list, ask for one, fetch one. Nothing is ever written there.

The one file that meets fsspec and its drivers. Secrets come resolved, are given to the driver and stand in no message:
what a driver says is told without them. What went wrong is one of three: it is not there, or not named rightly
(BadInput), it is denied (Final), it does not answer (Retryable).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from store.errors import BadInput, BailiwickError, Final, Retryable

IDENTITIES = ("default", "managed", "none")
CONNECT_S = 20
PACKAGES = {"az": "adlfs", "s3": "s3fs", "gs": "gcsfs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """`[stores.NAME]` with a prefix of az://"""

    secrets: ClassVar[frozenset[str]] = frozenset({"key", "sas", "connection", "client_secret"})
    account: str = ""
    """The storage account."""
    endpoint: str = ""
    """The blob endpoint, where it is not the account's own at blob.core.windows.net: another cloud, an emulator."""
    key: str = ""
    """The account's key, as a reference (env:NAME or file:PATH)."""
    sas: str = ""
    """A shared access signature, as a reference."""
    connection: str = ""
    """A whole connection string, as a reference."""
    tenant: str = ""
    """The tenant of a service principal."""
    client: str = ""
    """The id of a service principal, or of a user-assigned managed identity."""
    client_secret: str = ""
    """The service principal's secret, as a reference."""
    identity: str = "default"
    """Where there is no secret: `default` (environment, workload, managed identity, az login), `managed`, `none`."""

    def arguments(self) -> dict[str, Any]:
        given: dict[str, Any] = {"connection_timeout": CONNECT_S}
        if self.connection or (self.endpoint and (self.key or self.sas)):
            return {**given, "connection_string": self.connection or self._connection()}
        names = {
            "account_name": self.account,
            "account_key": self.key,
            "sas_token": self.sas,
            "tenant_id": self.tenant,
            "client_id": self.client,
            "client_secret": self.client_secret,
            "account_host": self.endpoint.removeprefix("https://").rstrip("/"),
        }
        given |= {name: value for name, value in names.items() if value}
        if self.identity == "managed":
            from azure.identity.aio import ManagedIdentityCredential

            given["credential"] = ManagedIdentityCredential(client_id=self.client or None)
            given.pop("client_id", None)
        return {**given, "anon": self.identity == "none"}

    def _connection(self) -> str:
        secret = f"AccountKey={self.key}" if self.key else f"SharedAccessSignature={self.sas.lstrip('?')}"
        scheme = "http" if self.endpoint.startswith("http://") else "https"
        return (
            f"DefaultEndpointsProtocol={scheme};AccountName={self.account};{secret};"
            f"BlobEndpoint={self.endpoint.rstrip('/')};"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """`[stores.NAME]` with a prefix of s3://"""

    secrets: ClassVar[frozenset[str]] = frozenset({"key", "secret", "token"})
    region: str = ""
    """The region of the bucket."""
    endpoint: str = ""
    """The address of a store that speaks S3 and is not Amazon's."""
    key: str = ""
    """The id of an access key, as a reference (env:NAME or file:PATH)."""
    secret: str = ""
    """The access key itself, as a reference."""
    token: str = ""
    """A session token, as a reference."""
    profile: str = ""
    """A profile of the machine's own AWS configuration."""
    identity: str = "default"
    """Where there is no key: `default` (environment, profile, the machine's role), `managed` (the same), `none`."""

    def arguments(self) -> dict[str, Any]:
        names = {
            "endpoint_url": self.endpoint,
            "key": self.key,
            "secret": self.secret,
            "token": self.token,
            "profile": self.profile,
        }
        return {
            **{name: value for name, value in names.items() if value},
            "anon": self.identity == "none",
            "client_kwargs": {"region_name": self.region} if self.region else {},
            "config_kwargs": {"connect_timeout": CONNECT_S, "retries": {"max_attempts": 3}},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Google:
    """`[stores.NAME]` with a prefix of gs://"""

    secrets: ClassVar[frozenset[str]] = frozenset({"key"})
    project: str = ""
    """The project that is billed."""
    endpoint: str = ""
    """The address of a store that speaks Google's JSON API and is not Google's."""
    key: str = ""
    """A service account's key, the whole JSON, as a reference (env:NAME or file:PATH)."""
    identity: str = "default"
    """Where there is no key: `default` (application default credentials), `managed` (the machine's own), `none`."""

    def arguments(self) -> dict[str, Any]:
        token: Any = {"default": "google_default", "managed": "cloud", "none": "anon"}[self.identity]
        if self.key:
            try:
                token = json.loads(self.key)
            except ValueError:
                raise BadInput(
                    "the key of a gs:// store is no JSON",
                    advice='Refer to the file that Google gave for the service account: key = "file:PATH".',
                ) from None
        given = {"project": self.project, "endpoint_url": self.endpoint}
        return {**{name: value for name, value in given.items() if value}, "token": token, "access": "read_only"}


OPTIONS: dict[str, type[Azure] | type[S3] | type[Google]] = {"az": Azure, "s3": S3, "gs": Google}
StoreOptions = Azure | S3 | Google


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One object, as the store lists it."""

    path: str
    """Container (bucket) and name."""
    size: int
    etag: str
    modified: datetime | None


class ObjectStore:
    """One store, for reading. `container/name` paths."""

    def __init__(self, scheme: str, options: StoreOptions) -> None:
        self.scheme = scheme
        secrets = [value for name, value in asdict(options).items() if name in options.secrets and value]
        self._secrets = sorted(secrets, key=len, reverse=True)
        try:
            driver = _driver_of(scheme)
            self._driver: Any = driver(skip_instance_cache=True, use_listings_cache=False, **options.arguments())
            if scheme == "az":
                _hasten(self._driver)
        except ImportError as error:
            raise BadInput(
                f"{scheme}:// needs the package {PACKAGES[scheme]}, which is not installed here ({error})",
                advice="pip install 'bailiwick[stores]'",
            ) from error
        except BailiwickError:
            raise
        except Exception as error:  # drivers check their arguments with whatever they like
            raise self._told(f"{scheme}://", error) from error

    def listing(self, path: str) -> list[Listed]:
        """Every object at or under a path, by name; empty where the container holds none there."""
        try:
            info = self._info(path)
            if info is not None and info["type"] == "file":
                return [_listed(info)]
            found = self._driver.find(path, detail=True, withdirs=False)
            if not found and info is None:
                self._driver.info(path.partition("/")[0])  # raises where there is no such container
        except Exception as error:
            raise self._told(f"{self.scheme}://{path}", error) from error
        return sorted((_listed(one) for one in found.values() if one["type"] == "file"), key=lambda one: one.path)

    def object(self, path: str) -> Listed | None:
        """One object; None where there is none of that name."""
        try:
            info = self._info(path)
        except Exception as error:
            raise self._told(f"{self.scheme}://{path}", error) from error
        return _listed(info) if info is not None and info["type"] == "file" else None

    def _info(self, path: str) -> Mapping[str, Any] | None:
        try:
            info: Mapping[str, Any] = self._driver.info(path)
            return info
        except FileNotFoundError:
            return None

    def fetch(self, path: str, local: Path) -> None:
        """Brings one object to a local file."""
        try:
            self._driver.get_file(path, str(local))
        except Exception as error:
            raise self._told(f"{self.scheme}://{path}", error) from error

    def beginning(self, path: str, most: int) -> bytes:
        """The first bytes of an object."""
        try:
            head: bytes = self._driver.cat_file(path, start=0, end=most)
            return head
        except Exception as error:
            raise self._told(f"{self.scheme}://{path}", error) from error

    def _told(self, url: str, error: BaseException) -> BailiwickError:
        """What a driver raised, as one of ours, without secrets."""
        text = " ".join(str(error).split())[:500] or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = re.sub(r"(sig|Signature|token)=[^&\s'\"]+", r"\1=***", text)
        status = next(
            (s for s in (getattr(error, name, None) for name in ("status_code", "status", "code")) if s), None
        )
        name, details = type(error).__name__, {"where": url}
        if isinstance(error, FileNotFoundError) or str(status) == "404" or "NoSuchBucket" in text:
            return BadInput(
                f"{url}: there is no such container, bucket or object",
                advice="Check the name, and the account or endpoint under [stores.NAME] in bailiwick.toml.",
                details=details,
            )
        denied = isinstance(error, PermissionError) or str(status) in ("401", "403") or _DENIED.search(name + text)
        if denied:
            return Final(
                f"{url}: the store denies access: {text}",
                advice="Check the credentials under [stores.NAME] in bailiwick.toml, and that they may list and read.",
                details=details,
            )
        if isinstance(error, ValueError | TypeError) and "aiohttp" not in type(error).__module__:
            return BadInput(
                f"{url}: the store cannot be used as it is set: {text}",
                advice="Name the account (and a secret by reference, or an identity) under [stores.NAME].",
                details=details,
            )
        return Retryable(
            f"{url}: the store does not answer: {name}: {text}",
            advice="Check the network and the endpoint under [stores.NAME]; then try again.",
            details=details,
        )


def _hasten(driver: Any) -> None:
    """Azure's client waits 15 s before its second try, and a minute more before it says that nobody is there.

    adlfs passes no retry settings on, so they are changed where the client keeps them; where a later version keeps
    them elsewhere, the wait is long again and nothing else.
    """
    policy: Any = getattr(getattr(driver.service_client, "_config", None), "retry_policy", None)
    if policy is not None and hasattr(policy, "initial_backoff"):
        policy.initial_backoff, policy.increment_base = 1, 2


def _driver_of(scheme: str) -> Any:
    """The driver's class; ImportError where its package is missing."""
    if scheme == "az":
        from adlfs import AzureBlobFileSystem

        return AzureBlobFileSystem
    if scheme == "s3":
        from s3fs import S3FileSystem

        return S3FileSystem
    # Not the class that `gs` stands for in fsspec: that one asks a second service what kind of bucket it is.
    from gcsfs.core import GCSFileSystem

    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it prints a traceback for each try; we tell the last one
    return GCSFileSystem


_DENIED = re.compile(
    r"NoCredentials|ClientAuthentication|CredentialUnavailable|DefaultCredentials|RefreshError|AccessDenied|"
    r"AuthenticationFailed|AuthorizationFailure|AuthorizationPermissionMismatch|InvalidAccessKeyId|"
    r"SignatureDoesNotMatch|Forbidden|Unauthorized|PartialCredentials|PublicAccessNotPermitted"
)


def _listed(info: Mapping[str, Any]) -> Listed:
    """An entry of a listing, whichever driver gave it."""
    etag = info.get("etag") or info.get("ETag") or info.get("generation") or info.get("md5Hash") or ""
    moment = info.get("last_modified") or info.get("LastModified") or info.get("mtime") or info.get("updated")
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return Listed(
        path=str(info["name"]),
        size=int(info.get("size") or 0),
        etag=str(etag).strip('"'),
        modified=moment if isinstance(moment, datetime) else None,
    )
