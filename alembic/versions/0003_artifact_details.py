"""What artifacts are and what their configs say; which of them lists show; their labels."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KNOWN = {
    "application/vnd.oci.image.config.v1+json": "IMAGE",
    "application/vnd.docker.container.image.v1+json": "IMAGE",
    "application/vnd.oci.image.index.v1+json": "IMAGE",
    "application/vnd.docker.distribution.manifest.list.v2+json": "IMAGE",
    "application/vnd.cncf.helm.config.v1+json": "CHART",
    "application/vnd.cnab.manifest.v1": "CNAB",
    "application/vnd.wasm.config.v1+json": "WASM",
    "application/vnd.cncf.model.manifest.v1+json": "CNAI",
    "application/vnd.cnai.model.manifest.v1+json": "CNAI",
    "application/vnd.goharbor.harbor.sbom.v1": "SBOM",
}
OTHER = re.compile(r"application/vnd\.[^.]*\.([^.]*)\.config\.[^.]*\+json")


def name_types() -> None:
    """Name the type of each artifact, as far as its media types tell it."""
    artifact = sa.table("artifact", sa.column("artifact_type"), sa.column("type"))
    found = op.get_bind().execute(sa.select(artifact.c.artifact_type).distinct()).all()
    for (media_type,) in found:
        other = OTHER.fullmatch(media_type)
        kind = KNOWN.get(media_type) or (other[1].upper() if other else "UNKNOWN")
        same = artifact.c.artifact_type == media_type
        op.execute(artifact.update().where(same).values(type=kind))


def upgrade() -> None:
    op.add_column(
        "artifact",
        sa.Column("type", sa.String(length=255), nullable=False, server_default="UNKNOWN"),
    )
    digest = sa.String(length=135)
    on_postgresql = sa.String(length=135, collation="C")
    op.add_column("artifact", sa.Column("icon", digest.with_variant(on_postgresql, "postgresql")))
    op.add_column(
        "artifact", sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    name_types()
    op.execute(
        "UPDATE artifact SET listed = false "
        "WHERE id IN (SELECT artifact_id FROM artifact_accessory) "
        "OR (id IN (SELECT child_id FROM artifact_reference) "
        "AND id NOT IN (SELECT artifact_id FROM tag))"
    )
    op.drop_index(op.f("ix_artifact_project_id"), "artifact")
    for key in ("repository_id", "project_id"):
        op.create_index(
            op.f(f"ix_artifact_{key}_listed_push_time_id"),
            "artifact",
            [key, "listed", "push_time", "id"],
            unique=False,
        )
    op.create_table(
        "artifact_details",
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.Column("extra_attrs", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifact.id"],
            name=op.f("fk_artifact_details_artifact_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("artifact_id", name=op.f("pk_artifact_details")),
    )
    op.create_table(
        "label_reference",
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.Column("label_id", sa.Integer(), nullable=False),
        sa.Column("creation_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifact.id"],
            name=op.f("fk_label_reference_artifact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["label_id"],
            ["label.id"],
            name=op.f("fk_label_reference_label_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("artifact_id", "label_id", name=op.f("pk_label_reference")),
    )
    op.create_index(
        op.f("ix_label_reference_label_id"), "label_reference", ["label_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_label_reference_label_id"), "label_reference")
    op.drop_table("label_reference")
    op.drop_table("artifact_details")
    for key in ("repository_id", "project_id"):
        op.drop_index(op.f(f"ix_artifact_{key}_listed_push_time_id"), "artifact")
    op.create_index(op.f("ix_artifact_project_id"), "artifact", ["project_id"], unique=False)
    for column in ("listed", "icon", "type"):
        op.drop_column("artifact", column)
