FROM node:24-slim

# Temporal's client reads the system's certificates for TLS; the slim image has none.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force
COPY . .

RUN mkdir -p /var/lib/daybook /data/incoming /data/online-retail \
  && chown -R node:node /var/lib/daybook /data
USER node
ENV NODE_ENV=production
CMD ["node", "worker/main.ts"]
