{{/*
A server of the trial: its StatefulSet, its Service and its network policy. Takes {root, component, settings, port, env, ready, alive,
data, scratch}: `ready` is the probe of the start, `alive` a cheaper one; `data` is the folder that is kept, `scratch` the folders that are
not. Both images have the user 999.
*/}}
{{- define "runmill.trialServer" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "runmill.metadata" . | nindent 2 }}
spec:
  replicas: 1
  serviceName: {{ include "runmill.fullname" .root }}-{{ .component }}
  selector:
    matchLabels:
      {{- include "runmill.selector" . | nindent 6 }}
  template:
    metadata:
      # Without the chart's version, so that an upgrade of the chart does not restart the server.
      labels:
        {{- include "runmill.selector" . | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        {{- include "runmill.podSecurity" 999 | nindent 8 }}
      containers:
        - name: {{ .component }}
          image: {{ .settings.image }}
          env:
            {{- toYaml .env | nindent 12 }}
          ports:
            - {name: server, containerPort: {{ .port }}}
          startupProbe:
            {{- toYaml .ready | nindent 12 }}
            periodSeconds: 5
            timeoutSeconds: 15
            failureThreshold: 60
          livenessProbe:
            {{- toYaml .alive | nindent 12 }}
            periodSeconds: 30
            timeoutSeconds: 15
            failureThreshold: 5
          readinessProbe:
            {{- toYaml .alive | nindent 12 }}
            periodSeconds: 10
            timeoutSeconds: 15
          resources:
            {{- toYaml .settings.resources | nindent 12 }}
          securityContext:
            {{- include "runmill.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: {{ .data }}}
            {{- range $i, $path := .scratch }}
            - {name: scratch-{{ $i }}, mountPath: {{ $path }}}
            {{- end }}
      volumes:
        {{- range $i, $_ := .scratch }}
        - name: scratch-{{ $i }}
          emptyDir: {sizeLimit: 64Mi}
        {{- end }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.trial.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests: {storage: {{ .settings.storage }}}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "runmill.metadata" . | nindent 2 }}
spec:
  # The name leads to the pod also before it is ready, so that clients are refused instead of not finding it.
  publishNotReadyAddresses: true
  selector:
    {{- include "runmill.selector" . | nindent 4 }}
  ports:
    - {name: server, port: {{ .port }}, targetPort: server}
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "runmill.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "runmill.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports:
        - {port: server, protocol: TCP}
      from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: {{ include "runmill.name" .root }}
              app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}
{{- end -}}
