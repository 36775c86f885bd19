"""A project with very many artifacts, and a repository with very many tags, for the lists."""

from collections.abc import Mapping

ARTIFACTS = 100_000  # in the project
IN_ONE = 55_000  # of them, in one repository; the others have 1,000 each
TAGS = 5_000  # of one artifact, in a repository of its own
LAYERS = 4  # of each artifact
TRASH = 5_000  # entries in the trash of the project, and tags of the first
MOVES = 5_000  # of one tag
ABOUT = 1_000  # accessories of one artifact, in a repository of their own
PROJECT, REPOSITORY, ARTIFACT, LABEL = 2_000_000, 3_000_000, 4_000_000, 5_000_000  # first ids
DELETED, SUBJECT, SUBJECTS = 6_000_000, 4_500_000, 3_500_000
OTHERS = 1 + (ARTIFACTS - IN_ONE) // 1_000
NAME = "crowd"
DIGEST = f"'sha256:{'0' * 56}' || ({10_000_000} + i)"
MANY_TAGGED = f"sha256:{'0' * 56}{10_000_000 + ARTIFACTS}"
IS_ACCESSORY, IS_TAGGED = "i % 11 = 5", "i % 11 <> 5 AND i % 3 <> 0"
IN = f"{REPOSITORY} + CASE WHEN i < {IN_ONE} THEN 0 ELSE 1 + (i - {IN_ONE}) / 1000 END"
SAID = '{"os": "linux", "architecture": "amd64", "created": "2026-01-01T00:00:00Z"}'
MANIFEST = (
    '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", '
    '"config": {"mediaType": "application/vnd.oci.image.config.v1+json", '
    f'"digest": "sha256:{"0" * 64}", "size": 2}}, "layers": []}}'
)
RULED = '[{"kind": "doublestar", "decoration": "matches", "pattern": "v1*"}]'
SCOPE = '{"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}'
LATER = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', '+300 days')",
    "postgresql": "now() + interval '300 days'",
}
BYTES = {"sqlite": "BLOB", "postgresql": "bytea"}
LAYER = f"'sha256:' || ((i / {LAYERS} * (i % {LAYERS})) % 900000)"  # the first is in all
VALUES = {
    "project": PROJECT,
    "repository": REPOSITORY,
    "last_repository": REPOSITORY + OTHERS,
    "artifact": ARTIFACT,
    "artifacts": ARTIFACTS,
    "last_artifact": ARTIFACT + ARTIFACTS,
    "label": LABEL,
    "name": NAME,
    "digest": DIGEST,
    "digest_before": DIGEST.replace("+ i", "+ i - 1"),
    "inside": IN,
    "is_accessory": IS_ACCESSORY,
    "is_tagged": IS_TAGGED,
    "said": SAID,
    "layer": LAYER,
    "layers": LAYERS,
    "manifest": MANIFEST,
    "params": "{}",
    "ruled": RULED,
    "scope": SCOPE,
    "deleted": DELETED,
    "subject": SUBJECT,
    "subjects": SUBJECTS,
    "about": DIGEST.replace("10000000", "20000000"),
}

# Statements of ``lists.fill``, and how many rows each makes; {bytes}, {numbers}, {moment} as there.
FILLED = (
    (
        "INSERT INTO project (project_id, name, owner_id, deleted, creation_time, update_time) "
        "{numbers} SELECT {project}, '{name}', 1, false, {moment}, {moment} "
        "FROM numbers",
        1,
    ),
    (
        "INSERT INTO quota (project_id, hard, used, creation_time, update_time) {numbers} "
        "SELECT {project}, -1, 1000000000, {moment}, {moment} FROM numbers",
        1,
    ),
    (
        "INSERT INTO repository (repository_id, name, project_id, description, pull_count, "
        "creation_time, update_time) {numbers} SELECT {repository} + i, '{name}/app' || i, "
        "{project}, '', i, {moment}, {moment} FROM numbers",
        OTHERS + 1,
    ),
    (
        "INSERT INTO manifest (digest, content, creation_time) {numbers} "
        "SELECT {digest}, CAST('{manifest}' AS {bytes}), {moment} FROM numbers",
        ARTIFACTS + 1,
    ),
    (
        "INSERT INTO artifact (id, project_id, repository_id, digest, manifest_media_type, "
        "media_type, artifact_type, type, listed, tagged, accessory, manifest_size, size, "
        "push_time, pull_time) {numbers} SELECT {artifact} + i, {project}, "
        "CASE WHEN i = {artifacts} THEN {last_repository} ELSE {inside} END, {digest}, "
        "'application/vnd.oci.image.manifest.v1+json', "
        "'application/vnd.oci.image.config.v1+json', "
        "'application/vnd.oci.image.config.v1+json', "
        "CASE WHEN i % 10 = 0 THEN 'CHART' ELSE 'IMAGE' END, NOT ({is_accessory}), "
        "{is_tagged}, {is_accessory}, 8, 1000 + (i * 7919) % 1000003, {moment}, "
        "CASE WHEN i % 2 = 0 THEN {moment} END FROM numbers",
        ARTIFACTS + 1,
    ),
    (
        "INSERT INTO artifact_details (artifact_id, extra_attrs) {numbers} "
        "SELECT {artifact} + i, '{said}' FROM numbers",
        ARTIFACTS + 1,
    ),
    (
        "INSERT INTO tag (repository_id, artifact_id, name, push_time) {numbers} "
        "SELECT {inside}, {artifact} + i, 'v' || i, {moment} FROM numbers WHERE {is_tagged}",
        ARTIFACTS,
    ),
    (
        "INSERT INTO tag (repository_id, artifact_id, name, push_time) {numbers} "
        "SELECT {last_repository}, {last_artifact}, 'v' || i, {moment} "
        "FROM numbers",
        TAGS,
    ),
    (
        "INSERT INTO artifact_accessory (artifact_id, repository_id, subject_digest, kind, "
        "creation_time) {numbers} SELECT {artifact} + i, {inside}, "
        "{digest_before}, 'signature.cosign', {moment} FROM numbers "
        "WHERE {is_accessory}",
        ARTIFACTS,
    ),
    (
        "INSERT INTO label (id, name, description, color, scope, project_id, creation_time, "
        "update_time) {numbers} SELECT {label}, 'crowded', '', '#0065AB', 'g', 0, "
        "{moment}, {moment} FROM numbers",
        1,
    ),
    (
        "INSERT INTO label_reference (artifact_id, label_id, creation_time) {numbers} "
        "SELECT {artifact} + i, {label}, {moment} FROM numbers WHERE i % 5 = 0",
        ARTIFACTS,
    ),
    (
        "INSERT INTO artifact_blob (artifact_id, digest) {numbers} SELECT DISTINCT "
        "{artifact} + i / {layers}, {layer} FROM numbers",
        ARTIFACTS * LAYERS,
    ),
    (
        "INSERT INTO repository_blob (project_id, repository, digest, creation_time) "
        "SELECT DISTINCT {project}, repository.name, artifact_blob.digest, "
        "repository.creation_time FROM artifact_blob "
        "JOIN artifact ON artifact.id = artifact_blob.artifact_id "
        "JOIN repository ON repository.repository_id = artifact.repository_id "
        "WHERE artifact.project_id = {project}",
        None,
    ),
    (
        "INSERT INTO project_blob (project_id, digest, size, creation_time) "
        "SELECT DISTINCT {project}, digest, 1000, creation_time FROM (SELECT digest, "
        "max(creation_time) AS creation_time FROM repository_blob GROUP BY digest) AS held",
        None,
    ),
    (
        "INSERT INTO storage_day (project_id, day, nbytes) {numbers} "
        "SELECT {project}, {day}, 1000000000 - i * 1000 FROM numbers",
        400,
    ),
    (
        "INSERT INTO trash (id, project_id, repository, digest, type, media_type, description, "
        "pull_count, artifact_count, size, username, deletion_time, kept_until) {numbers} "
        "SELECT {deleted} + i, {project}, '{name}/app' || (i % 10), {digest}, 'IMAGE', "
        "'application/vnd.oci.image.manifest.v1+json', '', 0, 1, 1000 + i, 'ci', {moment}, {later} "
        "FROM numbers",
        TRASH,
    ),
    (
        "INSERT INTO trash_artifact (trash_id, digest, manifest_media_type, media_type, "
        "artifact_type, type, manifest_size, size, push_time) {numbers} SELECT {deleted} + i, "
        "{digest}, 'application/vnd.oci.image.manifest.v1+json', "
        "'application/vnd.oci.image.config.v1+json', 'application/vnd.oci.image.config.v1+json', "
        "'IMAGE', 8, 1000 + i, {moment} FROM numbers",
        TRASH,
    ),
    (
        "INSERT INTO trash_tag (trash_id, name, digest, push_time) {numbers} SELECT {deleted}, "
        "'v' || i, (SELECT digest FROM trash WHERE id = {deleted}), {moment} FROM numbers",
        TRASH,
    ),
    (
        "INSERT INTO tag_move (project_id, repository, tag, digest, cause, username, op_time) "
        "{numbers} SELECT {project}, '{name}/app0', 'v1', CASE WHEN i % 7 = 3 THEN NULL "
        "ELSE {digest} END, 'push', 'ci', {moment} FROM numbers",
        MOVES,
    ),
    (
        "INSERT INTO immutable_tag_rule (project_id, fingerprint, priority, disabled, params, "
        "tag_selectors, scope_selectors, creation_time) {numbers} SELECT {project}, 'filled', 0, "
        "false, '{params}', '{ruled}', '{scope}', {moment} FROM numbers",
        1,
    ),
    (
        "INSERT INTO repository (repository_id, name, project_id, description, pull_count, "
        "creation_time, update_time) {numbers} SELECT {subjects}, '{name}/about', {project}, '', "
        "0, {moment}, {moment} FROM numbers",
        1,
    ),
    (
        "INSERT INTO manifest (digest, content, creation_time) {numbers} "
        "SELECT {about}, CAST('{manifest}' AS {bytes}), {moment} FROM numbers",
        ABOUT + 1,
    ),
    (
        "INSERT INTO artifact (id, project_id, repository_id, digest, manifest_media_type, "
        "media_type, artifact_type, type, listed, tagged, accessory, manifest_size, size, "
        "push_time) {numbers} SELECT {subject} + i, {project}, {subjects}, {about}, "
        "'application/vnd.oci.image.manifest.v1+json', "
        "'application/vnd.oci.image.config.v1+json', 'application/spdx+json', 'IMAGE', i = 0, "
        "false, i > 0, 8, 1000, (SELECT min(push_time) FROM artifact) FROM numbers",
        ABOUT + 1,
    ),
    (
        "INSERT INTO artifact_accessory (artifact_id, repository_id, subject_digest, kind, "
        "creation_time) {numbers} SELECT {subject} + i, {subjects}, (SELECT digest FROM artifact "
        "WHERE id = {subject}), 'sbom.harbor', {moment} FROM numbers WHERE i > 0",
        ABOUT + 1,
    ),
    (
        "UPDATE repository SET artifact_count = (SELECT count(*) FROM artifact WHERE listed AND "
        "artifact.repository_id = repository.repository_id) WHERE project_id = {project}",
        None,
    ),
)
API = f"/api/v2.0/projects/{NAME}"
ALL, MANY = f"{API}/repositories/app0", f"{API}/repositories/app{OTHERS}"
SPOKEN_OF = f"sha256:{'0' * 56}20000000"
SORTS = (
    *("size", "-size", "push_time", "digest", "-digest", "type", "pull_time", "-pull_time"),
    *("media_type", "manifest_media_type", "artifact_type", "icon", "id", "repository_id"),
    *("repository_name", "-type,size"),
)
WANTED = (
    "tags=*",
    "tags=nil",
    "tags=~123",
    "base=*",
    "base=*,tags=*",
    "type=IMAGE",
    "type=CHART,tags=*",
    f"labels=({LABEL})",
    "push_time=[2025-12-31T00:00:00~2026-01-01T00:00:00]",
    "pull_time=[2025-12-31T00:00:00~2026-01-01T00:00:00]",
    "tags=v123",
    "tags=~nothing",
    "tags=~v",
    f"labels=({LABEL}),tags=~12",
    f"digest=sha256:{'0' * 56}10050000",
    "digest=~10050",
    "type=~IM",
    "media_type=~config",
    "manifest_media_type=nothing",
    "artifact_type=nothing",
    "icon=nothing",
    "size=[1000~5000]",
    "repository_id=3000003",
    "repository_name=~app3",
)
Asked = tuple[str, Mapping[str, str] | None]
LISTS: tuple[Asked, ...] = (
    (f"{API}/repositories", None),
    *((f"{API}/repositories", {"sort": sort}) for sort in ("name", "-pull_count", "update_time")),
    *((f"{API}/repositories", {"q": q}) for q in ("name=~app", "pull_count=[1~20]")),
    *(
        (f"{API[: API.index('/projects')]}/repositories", asked)
        for asked in (None, {"sort": "name"})
    ),
    *((f"{place}/artifacts", None) for place in (API, ALL, MANY)),
    *((f"{place}/artifacts", {"sort": sort}) for place in (API, ALL) for sort in SORTS),
    *((f"{place}/artifacts", {"q": q}) for place in (API, ALL) for q in WANTED),
    (f"{API}/artifacts", {"q": "media_type=~config", "latest_in_repository": "true"}),
    (f"{API}/artifacts", {"page": "4000"}),
    (f"{API}/artifacts", {"page_size": "100", "with_immutable_status": "true"}),
    (f"{ALL}/artifacts", {"page": "5000"}),
    (f"{MANY}/artifacts", {"with_immutable_status": "true"}),
    (f"{ALL}/artifacts", {"page_size": "100", "with_label": "true"}),
    (f"{MANY}/artifacts/{MANY_TAGGED}", None),
    (f"{MANY}/artifacts/{MANY_TAGGED}", {"with_tag": "false"}),
    (f"{MANY}/artifacts/{MANY_TAGGED}/tags", {"page_size": "100"}),
    (f"{MANY}/artifacts/{MANY_TAGGED}/tags", {"sort": "name", "page": "400"}),
    (f"{MANY}/artifacts/{MANY_TAGGED}/tags", {"q": "name=~123", "with_immutable_status": "true"}),
    *(
        (f"{API}/repositories/about/artifacts/{SPOKEN_OF}{rest}", None)
        for rest in ("", "/accessories")
    ),
    (f"{ALL}/tags/v1/history", {"page_size": "100"}),
    (f"{API}/trash", {"page_size": "100"}),
    (f"{API}/trash", {"q": "deleted_by=ci", "sort": "-size"}),
    (f"{API}/immutabletagrules", None),
    (f"/v2/{NAME}/about/referrers/{SPOKEN_OF}", None),
    (f"/v2/{NAME}/app0/referrers/sha256:{'0' * 56}10000004", None),
    ("/v2/_catalog", {"n": "100"}),
    ("/v2/_catalog", {"n": "1000", "last": f"{NAME}/app3"}),
    ("/api/v2.0/search", {"q": NAME}),
    (f"/api/chartrepo/{NAME}/charts", None),
    (f"/v2/{NAME}/app{OTHERS}/tags/list", None),
    (f"/v2/{NAME}/app{OTHERS}/tags/list", {"n": "100", "last": "v3000"}),
    (f"/v2/{NAME}/app0/tags/list", {"n": "1000"}),
    (f"{API}/storage", None),
    (f"{API}/repositories/app1/storage", None),
    (f"{ALL}/artifacts/v1/storage", None),
)
HERE = f"/harbor/projects/{PROJECT}"
BIG, TAGGED = f"{HERE}/repositories/app0", f"{HERE}/repositories/app{OTHERS}/artifacts-tab"
PAGES: tuple[Asked, ...] = (
    *((f"{HERE}/{tab}", None) for tab in ("summary", "storage", "repositories")),
    (f"{BIG}/info-tab", None),
    (f"{BIG}/artifacts-tab", None),
    (f"{BIG}/artifacts-tab", {"sort": "-size"}),
    (f"{BIG}/artifacts-tab", {"tags": "tagged"}),
    *((f"{BIG}/artifacts-tab", {"sort": sort}) for sort in ("push_time", "-pull_time", "type")),
    (f"{BIG}/artifacts-tab", {"page": "3000"}),
    (f"{BIG}/artifacts-tab", {"page_size": "100"}),
    *((f"{BIG}/artifacts-tab", {"q": f"tags=~{part}"}) for part in ("123", "v")),
    (f"{BIG}/artifacts-tab", {"label": str(LABEL)}),
    (f"{BIG}/artifacts-tab/digests", {"id": str(ARTIFACT + 1)}),
    (f"{BIG}/artifacts-tab/artifacts/v1/compare", None),
    (f"{BIG}/artifacts-tab/tags/v1/history", None),
    (f"{HERE}/repositories/about/artifacts-tab", None),
    (f"{HERE}/repositories/about/artifacts-tab/artifacts/{SPOKEN_OF}/accessories", None),
    (f"{HERE}/trash", None),
    (f"{HERE}/tag-strategy/immutable-tag", None),
    ("/harbor/search", {"q": NAME}),
    (f"{BIG}/artifacts-tab/delete", {"id": str(ARTIFACT + 1)}),
    (f"{HERE}/delete-repositories", {"id": str(REPOSITORY)}),
    (TAGGED, None),
    (f"{TAGGED}/artifacts/{MANY_TAGGED}", None),
    (f"{TAGGED}/artifacts/{MANY_TAGGED}", {"page": "200"}),
)
