FROM python:3.12-slim
WORKDIR /srv
COPY . .
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt \
 && pip install --no-cache-dir ".[scale]" \
 && useradd --system --uid 10001 tidegate && mkdir /data && chown tidegate /data
USER tidegate
ENTRYPOINT ["tidegate"]
CMD ["serve"]
