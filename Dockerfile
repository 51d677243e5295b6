# The image of bugsink-health: the program, the libraries it loads, the files that these read. No shell, not root.
#
#   docker build -t bugsink-health .

ARG DEBIAN_IMAGE=debian
ARG DEBIAN_VERSION=bookworm-slim

FROM ${DEBIAN_IMAGE}:${DEBIAN_VERSION} AS build
WORKDIR /src
# All other packages are named in the Makefile; the lists stay for them, and go with this stage.
RUN apt-get update && apt-get install -y --no-install-recommends make
COPY Makefile VERSION ./
COPY scripts scripts
RUN make deps-stage
COPY . .
RUN make -j"$(nproc)" && scripts/image-root.sh build/bugsink-health /image

FROM scratch
ARG BH_VERSION=0.1.0
ARG BH_REVISION=
ARG DEBIAN_IMAGE
ARG DEBIAN_VERSION
LABEL org.opencontainers.image.title="bugsink-health" \
      org.opencontainers.image.description="Health sidecar for Bugsink: liveness and readiness probes on port 8000" \
      org.opencontainers.image.version="${BH_VERSION}" \
      org.opencontainers.image.revision="${BH_REVISION}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="${DEBIAN_IMAGE}:${DEBIAN_VERSION}"
COPY --from=build /image /
ENV PATH=/usr/bin
USER 14237:14237
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 CMD ["bugsink-health", "probe"]
ENTRYPOINT ["bugsink-health"]
CMD ["serve"]
