# Two images: `collector`, the product, and `demo`, the shop that sends to it. docker-compose.yml runs both.
#   docker build --target collector -t sockeye .
#   docker run --rm -p 127.0.0.1:4317-4319:4317-4319 -v sockeye-data:/data sockeye

FROM node:24.21.0-slim AS build
WORKDIR /app
COPY . .
RUN npm run build

FROM node:24.21.0-slim AS demo
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY collector/package.json collector/
COPY demo/package.json demo/
COPY instrumentation/package.json instrumentation/
COPY ui/package.json ui/
RUN npm ci --omit=dev --workspace=@sockeye/demo --workspace=@sockeye/instrumentation && npm cache clean --force
COPY demo demo
COPY --from=build /app/instrumentation instrumentation
USER node
ENTRYPOINT ["node", "demo/main.ts"]

FROM node:24.21.0-slim AS collector
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY collector/package.json collector/
COPY demo/package.json demo/
COPY instrumentation/package.json instrumentation/
COPY ui/package.json ui/
RUN npm ci --omit=dev --workspace=sockeye && npm cache clean --force
COPY collector collector
COPY --from=build /app/ui/dist ui/dist
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 4317 4318 4319
# Inside, the ports are open to the container's network: publish them on loopback, or give a token.
ENV SOCKEYE_OTLP_GRPC=0.0.0.0:4317 SOCKEYE_OTLP_HTTP=0.0.0.0:4318 SOCKEYE_WEB=0.0.0.0:4319 SOCKEYE_DATA=/data
# Why: collector/one-arena.ts.
ENV MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=1048576
# With a token the answer is 401, which says as much.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=5 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4319/readyz').then(({ status }) => process.exit(status === 200 || status === 401 ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "collector/main.ts"]
