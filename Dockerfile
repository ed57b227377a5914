# The image: one binary, what it links to, and roots to check TLS with. No shell, no package manager.
#
#   docker build --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" -t quilt-mcp-server .
#
# Base image by tag; whoever publishes pins its digest (docs/IMAGE.md). Steps use relative paths only, so that
# scripts/image-steps can run them in a clean folder where no container can be built.

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src

# Writes the list of crates into the binary: the SBOM that scanners read (docs/IMAGE.md).
RUN cargo install --locked --version 0.7.7 --root tools cargo-auditable

# The dependencies, in a layer of their own that lasts until Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && touch src/lib.rs && echo 'fn main() {}' > src/main.rs \
    && PATH="$PWD/tools/bin:$PATH" cargo auditable build --locked --release --no-default-features --bin quilt-mcp-server

# Sources that are older than the layer above would pass for built: hence the touch.
COPY src src
RUN touch src/lib.rs src/main.rs \
    && PATH="$PWD/tools/bin:$PATH" cargo auditable build --locked --release --no-default-features --bin quilt-mcp-server

# Everything of the image, as a folder.
COPY scripts/image-root scripts/image-root
RUN sh scripts/image-root target/release/quilt-mcp-server rootfs

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="quilt-mcp-server" \
      org.opencontainers.image.description="A multi-tenant MCP server for Quilt" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /src/rootfs/ /

# The one variable that a container has to change; the rest comes from the operator (docs/CONFIG.md).
ENV QUILT_MCP_ADDR=0.0.0.0:8000
EXPOSE 8000
# By number, so that runAsNonRoot can be checked without a passwd file. Nothing in the image belongs to it.
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/quilt-mcp-server", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/quilt-mcp-server"]
CMD ["serve"]
