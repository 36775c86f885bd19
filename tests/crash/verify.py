"""Whether the server still knows what it has acknowledged; every breach is a sentence."""

import json
from dataclasses import dataclass, field

from tests.crash.client import HOWS, Client, expect, sha256
from tests.crash.ledger import Key, Ledger, Session
from tests.crash.load import SHARED


@dataclass
class Verifier:
    client: Client
    ledger: Ledger
    breaches: list[str] = field(default_factory=list)
    blobs: int = 0  # that were read
    manifests: int = 0
    tags: int = 0
    sessions: int = 0

    def check(self) -> None:
        """Read back everything that anybody was told about."""
        self.breaches += self.ledger.oddities
        for key in list(self.ledger.allowed):
            self.check_name(key)
        self.ledger.loose.clear()  # whatever was to leave has left
        repositories = sorted({key.repository for key in self.ledger.allowed})
        for repository in repositories:
            self.check_tags(repository)
        if self.ledger.moves:
            shared = next(each for each in repositories if each.endswith("-all"))
            self.check_shared_tag(shared)

    def check_name(self, key: Key) -> None:
        """It must mean one of the things that it may mean; from now on it means that."""
        path = "blobs" if key.kind == "blob" else "manifests"
        answer = self.client.get(f"/v2/{key.repository}/{path}/{key.name}")
        allowed = self.ledger.allowed[key] | ({None} if key.name in self.ledger.loose else set())
        if answer.status == 404:
            found = None
        elif answer.status == 200:
            found = sha256(answer.body)
            told = answer.headers["docker-content-digest"]
            if told != found or (key.kind != "tag" and found != key.name):
                self.breaches.append(f"torn: {key} is {found}, said to be {told}")
        else:
            self.breaches.append(f"bad: {key} is {answer.status} {answer.body[:200]!r}")
            return
        if found not in allowed:
            self.breaches.append(f"lost or back: {key} is {found}, not of {allowed}")
        self.ledger.allowed[key] = {found}
        self.count(key, found is not None)
        if key.kind != "blob" and found is not None:
            self.check_parts(key.repository, answer.body)

    def count(self, key: Key, there: bool) -> None:
        self.blobs += there and key.kind == "blob"
        self.manifests += there and key.kind == "manifest"
        self.tags += there and key.kind == "tag"

    def check_parts(self, repository: str, raw: bytes) -> None:
        """Everything that a manifest names must be there, whole."""
        document = json.loads(raw)
        for part in [document["config"], *document["layers"]]:
            if None not in self.ledger.allowed.get(Key("blob", repository, part["digest"]), {None}):
                continue  # read already, or to be read
            answer = self.client.blob(repository, part["digest"])
            if answer.status != 200 or sha256(answer.body) != part["digest"]:
                self.breaches.append(
                    f"dangling: {sha256(raw)} in {repository} names {part['digest']}, "
                    f"which is {answer.status}"
                )

    def check_tags(self, repository: str) -> None:
        """The list of tags is what reading each of them says."""
        listed = set(self.client.tags(repository)) - {SHARED}
        known = {
            key.name
            for key, values in self.ledger.allowed.items()
            if key.kind == "tag" and key.repository == repository and values != {None}
        }
        if listed != known:
            self.breaches.append(f"tags of {repository}: listed {listed}, known {known}")

    def check_shared_tag(self, repository: str) -> None:
        answer = self.client.manifest(repository, SHARED)
        if sha256(answer.body) not in self.ledger.shared():
            if answer.status == 404 and all(m.ended == float("inf") for m in self.ledger.moves):
                return
            self.breaches.append(f"shared tag: {answer.status} {sha256(answer.body)}")
        else:
            self.check_parts(repository, answer.body)

    def resume(self, *, power_cut: bool = False) -> None:
        """Go on with every open upload from where the server says it is."""
        for session in self.ledger.sessions:
            if not session.gone:
                self.resume_one(session, power_cut=power_cut)

    def resume_one(self, session: Session, *, power_cut: bool) -> None:
        status = self.client.get(session.place).status
        if status == 404 and (session.ending or power_cut):
            return
        if status != 204:
            self.breaches.append(f"session {session.place} is {status}")
            return
        data = session.source.data
        try:
            kept = self.client.resume(session.place, data)
        except AssertionError as error:
            if not power_cut:  # which may leave holes; that the digest tells is what counts
                self.breaches.append(f"session {session.place} does not go on: {error}")
            return
        if kept < session.acknowledged and not power_cut:
            self.breaches.append(f"session {session.place}: {kept} of {session.acknowledged} kept")
        session.gone = True
        self.sessions += 1
        repository = session.place.split("/blobs/uploads/")[0].removeprefix("/v2/")
        digest = sha256(data)
        self.ledger.sources[digest] = session.source
        self.ledger.allowed[Key("blob", repository, digest)] = {digest}

    def push_again(self) -> int:
        """Push everything once more, as a client does who got no answer; return how many."""
        count = 0
        for key in sorted(self.ledger.allowed):
            if key.kind == "blob":
                data = self.ledger.sources[key.name].data
                how = HOWS[count % len(HOWS)]
                expect(self.client.push_blob(key.repository, data, how), 201)
                self.ledger.allowed[key] = {key.name}
                count += 1
        for key in sorted(self.ledger.allowed):
            if key.kind == "manifest":
                raw = self.ledger.manifests[key.name]
                expect(self.client.put_manifest(key.repository, key.name, raw), 201)
                self.ledger.allowed[key] = {key.name}
                count += 1
        return count
